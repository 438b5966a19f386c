"""`runbooks storage declare` and `runbooks storage check`: the contract of buckets and their policies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cli import destination, found
from cli.lint import opened
from ops import database, errors, logins, storage_contract
from ops.storage_contract import StorageContract


def declare(reference: str, out: Path | None) -> int:
    """Write the contract of the database that the secret names to `out`, or to standard output.

    Raises:
        Refused: the secret cannot be opened, or the database has no Storage.
        Unavailable: nobody answers.
    """
    contract = _read(reference)
    destination.write(out or Path("-"), storage_contract.text(contract))
    policies = sum(len(each.policies) for each in contract.tables.values())
    print(f"{len(contract.buckets)} buckets and {policies} policies.", file=sys.stderr)
    return 0


def check(reference: str, path: Path, contract: Path | None, json_file: Path | None) -> int:
    """Hold the database that the secret names against the committed contract, and return the exit code.

    Raises:
        Refused: there is no contract, the secret cannot be opened, or the database has no Storage.
        Unavailable: nobody answers.
    """
    if problem := destination.problem(json_file):
        raise errors.Refused(problem)
    declared = storage_contract.read(contract or path / storage_contract.CONVENTION)
    there = _read(reference)
    well = f"{len(there.buckets)} buckets and their policies are as the contract says."
    return found.show(storage_contract.compare(declared, there), well, json_file)


def _read(reference: str) -> StorageContract:
    dsn = opened(reference)
    try:
        with database.connect(dsn, prepare_threshold=None) as connection:
            return storage_contract.of_database(connection)
    except errors.OpsError as error:
        raise logins.explained(error, dsn, os.environ) from None
