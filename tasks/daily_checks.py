"""The steps of the daily checks, one for each thing that is looked at."""

from __future__ import annotations

from ops import (
    check_app,
    check_backups,
    check_connections,
    check_counters,
    check_errors,
    check_platform,
    check_redis,
    check_replication,
    check_transactions,
)
from tasks.checking import look

check_connections_taken = look(
    check_connections.check_connections, title="Count the connections", evidence="daily-connections"
)
check_replication_lag = look(
    check_replication.check_replication, title="Look at replicas and slots", evidence="daily-replication"
)
check_transactions_open = look(
    check_transactions.check_transactions,
    title="Look for long and idle transactions",
    evidence="daily-transactions",
)
check_blocked = look(
    check_transactions.check_blocked, title="Look who waits for whom", evidence="daily-blocked"
)
check_log = look(
    check_errors.check_errors, title="Look what RLS and authentication refused", evidence="daily-log"
)
check_counted_errors = look(
    check_counters.check_counted_errors, title="Look what the server counts", evidence="daily-counted"
)
check_cache = look(
    check_counters.check_cache, title="Look at the cache and temporary files", evidence="daily-cache"
)
check_backup_status = look(
    check_backups.check_backups, title="Look at the status of the backups", evidence="daily-backups"
)
check_status_page = look(
    check_platform.check_status_page, title="Read the platform's status page", evidence="daily-status-page"
)
check_redis_health = look(check_redis.check_redis, title="Look at Redis", evidence="daily-redis")
check_health = look(check_platform.check_health, title="Ask the app for its health", evidence="daily-health")
check_guard = look(
    check_app.check_guard, title="Hold the schema versions against each other", evidence="daily-schema-guard"
)
