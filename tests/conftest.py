"""Fixtures that more than one folder of tests uses; each subject's are in its own `fix_` module."""

from __future__ import annotations

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_hosted",
    "tests.fix_pgbouncer",
    "tests.fix_listening",
    "tests.fix_site",
    "tests.fix_stack",
    "tests.fix_browser",
]
