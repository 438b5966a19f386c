"""The steps of the weekly checks, one for each thing that is looked at."""

from __future__ import annotations

from ops import (
    check_drift,
    check_exhaustion,
    check_growth,
    check_indexes,
    check_migrations,
    check_vacuum,
    check_window,
)
from tasks.checking import look

check_pending = look(
    check_migrations.check_migrations, title="Compare files and history", evidence="weekly-migrations"
)
check_schema = look(
    check_drift.check_drift, title="Compare the schema with what was promoted", evidence="weekly-drift"
)
check_storage = look(check_growth.check_growth, title="Measure the storage", evidence="weekly-growth")
check_restorable = look(
    check_window.check_window, title="Look how far back one can restore", evidence="weekly-window"
)
check_sequences = look(
    check_exhaustion.check_sequences,
    title="Look how near sequences are to their end",
    evidence="weekly-sequences",
)
check_transaction_ids = look(
    check_exhaustion.check_transaction_ids,
    title="Look how many transaction ids are left",
    evidence="weekly-transaction-ids",
)
check_unused_indexes = look(
    check_indexes.check_unused, title="Look for unused indexes", evidence="weekly-unused-indexes"
)
check_duplicate_indexes = look(
    check_indexes.check_duplicates, title="Look for duplicate indexes", evidence="weekly-duplicate-indexes"
)
check_vacuum_state = look(
    check_vacuum.check_vacuum, title="Look whether vacuum keeps up", evidence="weekly-vacuum"
)
