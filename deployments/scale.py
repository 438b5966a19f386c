"""Several Prefect servers as one: they share a Postgres, and tell each other through Redis. docs/scale-out.md.

With Prefect's defaults each server keeps events, leases and its background work in its own memory, so that a second one
on the same database would start a schedule's runs twice and hear nothing of what the first one was told.
"""

from __future__ import annotations

# What each part of Prefect is to keep in Redis, by the module of prefect-redis that does it.
MODULES = {
    "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
    "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
}
DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
MIGRATE = "PREFECT_SERVER_DATABASE_MIGRATE_ON_START"
MESSAGES = "PREFECT_REDIS_MESSAGING_URL"
CLEANUP = "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL"
DOCKET = "PREFECT_SERVER_DOCKET_URL"
# Of each server, and of the one process with the background services.
SERVER = ("server", "start", "--no-services")
SERVICES = ("server", "services", "start")
UPGRADE = ("server", "database", "upgrade", "-y")


def settings(database: str, redis: str) -> dict[str, str]:
    """Return what all servers and the background services are set to; the URL of Redis is without a database number."""
    return {
        **MODULES,
        DATABASE: database,
        # Two servers that start at once would migrate at once.
        MIGRATE: "false",
        MESSAGES: f"{redis}/0",
        CLEANUP: f"{redis}/0",
        DOCKET: f"{redis}/1",
    }
