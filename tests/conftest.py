"""Fixtures that more than one folder of tests uses; each subject's are in its own `fix_` module."""

from __future__ import annotations

import os

from hypothesis import settings

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_hosted",
    "tests.fix_pgbouncer",
    "tests.fix_listening",
    "tests.fix_github",
    "tests.fix_site",
    "tests.fix_staging",
    "tests.fix_stack",
    "tests.fix_gate",
    "tests.fix_promotion",
    "tests.fix_faults",
    "tests.fix_browser",
    "tests.fix_backups",
]

# In CI the same examples each time: a change is judged by what it does, and new examples are looked for elsewhere.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
