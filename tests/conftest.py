"""Fixtures that more than one folder of tests uses; each subject's are in its own `fix_` module."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.fix_postgres",
    "tests.fix_eval_tables",
    "tests.fix_hosted",
    "tests.fix_pgbouncer",
    "tests.fix_redis",
    "tests.fix_listening",
    "tests.fix_pgbackrest",
    "tests.fix_github",
    "tests.fix_site",
    "tests.fix_staging",
    "tests.fix_stack",
    "tests.fix_up",
    "tests.fix_gate",
    "tests.fix_promotion",
    "tests.fix_faults",
    "tests.fix_browser",
    "tests.fix_backups",
    "tests.fix_checks",
    "tests.fix_access",
    "tests.fix_storage_site",
    "tests.fix_incident",
    # What these build on must be loaded first.
    "tests.fix_eval_export",
]

# How long an example takes says something of the machine, and nothing of what is tested.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("untimed", _UNTIMED)
# In CI the same examples each time: a change is judged by what it does, and new examples are looked for elsewhere.
settings.register_profile("ci", _UNTIMED, derandomize=True)
# For `make check`, which is run before every commit; `make test` takes as many as there are.
settings.register_profile("quick", _UNTIMED, max_examples=20, derandomize="CI" in os.environ)
settings.load_profile("ci" if os.environ.get("CI") else "untimed")


def _is_roomy(folder: Path) -> bool:
    """Whether the folders of all tests can lie there, with the programs that some of them write."""
    if not os.access(folder, os.W_OK):
        return False
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize >= 4 * 1024**3 and not status.f_flag & os.ST_NOEXEC


# Evidence is flushed to the disk file by file, thousands of times in these tests; in memory that takes no time.
if _is_roomy(MEMORY := Path("/dev/shm")):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
