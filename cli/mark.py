"""`runbooks mark`: a database says of itself what it is."""

from __future__ import annotations

from ops import database, marker, secrets


def mark(reference: str, environment: str, *, rehearse: bool) -> int:
    """Write the marker into the database that the secret names."""
    with database.connect(secrets.open_secret(reference)) as connection:
        marker.write(connection, environment, rehearse=rehearse)
    allowed = "may be rehearsed on" if rehearse else "is not to be rehearsed on"
    print(f"This database now says that it is {environment!r} and {allowed}.")
    return 0
