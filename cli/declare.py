"""`runbooks schema declare`: what an app needs of its database, written from a database that is right."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ops import database, declaration, errors, logins, secrets
from ops import dsn as dsns


def declare(reference: str, schemas: list[str], out: Path | None) -> int:
    """Write the declaration of the database that the secret names to `out`, or to standard output.

    Raises:
        Refused: the secret cannot be opened, the server says no, or the file is there already.
        Unavailable: nobody answers.
    """
    if out and out.exists():
        raise errors.Refused(
            f"{out} is there already, and somebody may have edited it. Name another, or move it away."
        )
    dsn = secrets.open_secret(reference)
    if problems := dsns.diagnose(dsn, needs_session=False):
        raise errors.Refused(f"{reference}: {' '.join(problems)}")
    try:
        with database.connect(dsn, prepare_threshold=None) as connection:
            chosen = schemas or declaration.own_schemas(connection)
            found = declaration.of_database(connection, chosen)
    except errors.OpsError as error:
        raise logins.explained(error, dsn, os.environ) from None
    text = declaration.text(found)
    if out is None:
        print(text, end="")
        return 0
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(out)
    print(f"{out}: {len(found)} tables and views of {', '.join(chosen)}.", file=sys.stderr)
    return 0
