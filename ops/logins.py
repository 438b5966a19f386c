"""What to do next when a login fails: deploy-gate.md, "Auth Failure Triage"."""

from __future__ import annotations

from collections.abc import Mapping

from ops import dsn as dsns
from ops import errors

# libpq hands a failed login over without SQLSTATE, so the server's or pooler's own words are all there is.
_PASSWORD = (
    "password authentication failed",
    "sasl authentication failed",
    "no password supplied",
    "auth failed",
    "too many authentication",
    "circuit breaker open",
    "tenant or user not found",
    "enotfound",
    "enoidentifier",
    "no such user",
    "no such database",
    "user not found",
)
# The pooler does not know whom it is asked for; the password was not even looked at.
_UNKNOWN = (
    "tenant or user not found",
    "enotfound",
    "enoidentifier",
    "no such user",
    "no such database",
    "user not found",
)
_BREAKER = ("circuit", "too many authentication")
_POOLER_TROUBLE = ("ecircuitbreaker", "eauthquery", "failed to retrieve database credentials")


def explained(error: errors.OpsError, dsn: str, environment: Mapping[str, str]) -> errors.OpsError:
    """Return the error with its next steps, as the kind that says whether trying again can help."""
    text = str(error)
    words = text.lower()
    if any(sign in words for sign in _PASSWORD):
        return errors.Refused(f"{_blocked(words)} {text} Next: {_numbered(steps(dsn, environment, text))}")
    if any(sign in words for sign in _POOLER_TROUBLE):
        return errors.Unavailable(
            f"The pooler cannot reach the database and blocks new connections for a while: {text} "
            f"Wait a minute and try again; if it stays: {_numbered(steps(dsn, environment, text))}"
        )
    if "could not translate host name" in words or "network is unreachable" in words:
        return errors.Unavailable(f"{text} {_unreachable(dsn)}")
    return error


def steps(dsn: str, environment: Mapping[str, str], said: str = "") -> tuple[str, ...]:
    """Return what of the triage of an authentication failure fits what is found here; `said` is the error's text."""
    fields = dsns.parse(dsn)
    host, port = dsns.endpoints(fields)[0]
    user, words = fields.get("user", "not given"), said.lower()
    pooler, datastore = dsns.is_pooler_host(host), environment.get("DATASTORE")
    unknown = any(sign in words for sign in _UNKNOWN)
    chosen = {
        f"Confirm that DATASTORE is exactly `postgres`, not a URL ({'not set' if datastore is None else 'not so'} "
        "here).": datastore != "postgres",
        f"Confirm that DATABASE_URL is the session pooler's (*.pooler.supabase.com:{dsns.SESSION_PORT}; "
        f"{dsns.TRANSACTION_PORT} is the transaction pooler today); here it is {host}:{port or 'no port'}.": (
            not dsns.is_local(host) and (not pooler or port != str(dsns.SESSION_PORT))
        ),
        f"Through the pooler the user is postgres.<project_ref>; here it is {user!r}.": (
            unknown or (pooler and not dsns.is_pooler_user(user))
        ),
        "Stop the clients that still use an old password: each failed login counts towards the pooler's "
        "circuit breaker.": pooler or any(sign in words for sign in _BREAKER),
        "Reset the database password in Supabase, then update every place that holds DATABASE_URL (local "
        "environment and app secrets), and restart the app once.": not unknown,
        "Run this check again; after a reset the pooler may need some seconds to learn the new password.": True,
    }
    return (*(step for step, fits in chosen.items() if fits), *dsns.remarks(dsn))


def _blocked(words: str) -> str:
    if "circuit" in words or "too many authentication" in words:
        return (
            "The pooler has blocked new logins after too many failed ones (Supavisor: for about two "
            "minutes), and each further try prolongs it."
        )
    return "The login was refused, so nothing was started."


def _unreachable(dsn: str) -> str:
    host = dsns.endpoints(dsns.parse(dsn))[0][0]
    if dsns.is_direct_host(host):
        return (
            f"{host} is a direct address, which has only IPv6 unless the project bought IPv4. Use the "
            "session pooler (*.pooler.supabase.com, port 5432, user postgres.<project_ref>)."
        )
    return "Check the host's spelling and this machine's network."


def _numbered(sentences: tuple[str, ...]) -> str:
    return " ".join(f"({number}) {sentence}" for number, sentence in enumerate(sentences, 1))
