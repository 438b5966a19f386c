"""`runbooks rls declare`, `check` and `prove`: the contract of row level security."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from uuid import uuid4

from cli import destination, found
from cli.lint import opened, served
from ops import database, errors, logins, project, rls_contract, rls_proof, rls_trial, secrets
from ops.rls_settings import RlsTrial
from ops.rls_trial import Trial

_SURVIVED = """\
What survived may be done to the policy, and `rls check` sees it in its words alone. Either the contract is silent there
(runbooks rls declare says of what), or the trial lacks the claims or rows that the policy asks for ([rls] of
runbooks.toml), or another policy or a missing grant decides, and this one does nothing. Mend that, declare the
contract, and prove it again; what is known to do nothing may be named as "schema.table policy" in `known` of [rls]."""


def declare(reference: str, path: Path, out: Path | None) -> int:
    """Write the contract of the database that the secret names to `out`, or to standard output.

    Raises:
        Refused: the secret cannot be opened, or this login may not act for the API's roles.
        Unavailable: nobody answers.
    """
    trial = _tried(reference, path)
    for name, table in trial.contract.tables.items():
        if table.untried:
            print(f"{name} was not tried: {table.untried}", file=sys.stderr)
    for each in trial.gaps:
        print(secrets.redact(f"{each.severity}: {each.said} {each.why}\n    {each.todo}"), file=sys.stderr)
    destination.write(out or Path("-"), rls_contract.text(trial.contract))
    _say(trial)
    return 0


def check(reference: str, path: Path, contract: Path | None, json_file: Path | None) -> int:
    """Hold the database that the secret names against the committed contract, and return the exit code.

    Raises:
        Refused: there is no contract, the secret cannot be opened, or this login may not act for the API's roles.
        Unavailable: nobody answers.
    """
    if problem := destination.problem(json_file):
        raise errors.Refused(problem)
    declared = rls_contract.read(contract or path / rls_contract.CONVENTION)
    trial = _tried(reference, path)
    _say(trial)
    well = f"{len(trial.contract.tables)} tables do what the contract says."
    return found.show((*rls_contract.compare(declared, trial.contract), *trial.gaps), well, json_file)


def prove(path: Path, contract: Path | None) -> int:
    """Break each policy of the project on a throw-away database, and return the exit code.

    Raises:
        Refused: there is no contract, or the project has a mistake.
        CheckFailed: a migration does not apply, or the contract does not hold before anything is broken.
        Unavailable: no server could be started.
    """
    operated = project.load(path)
    declared = rls_contract.read(contract or operated.root / rls_contract.CONVENTION)
    proof = rls_proof.prove(
        operated, declared, run=f"prove-{uuid4().hex[:8]}", told=lambda said: print(said, file=sys.stderr)
    )
    for each in proof.survivors:
        print(f"survived: {each}")
    for each in proof.known:
        print(f"known: {each}")
    if proof.asking:
        print(
            f"{len(proof.asking)} widened the roles of a policy that asks for the caller, which lets nobody new in: "
            "only the comparison of policies sees that."
        )
    noticed = proof.tried - len(proof.survivors) - len(proof.known) - len(proof.asking)
    print(
        f"{proof.policies} policies were broken in {proof.tried} ways, beside {proof.same} that changed nothing: "
        f"{noticed} were noticed by what somebody can do, {len(proof.survivors)} by nobody."
    )
    if proof.survivors:
        print(_SURVIVED)
    return 1 if proof.survivors else 0


def _tried(reference: str, path: Path) -> Trial:
    dsn = opened(reference)
    operated = project.load(path) if (path / "supabase").is_dir() else None
    samples = operated.deploy.samples if operated else {}
    settings = operated.rls if operated else RlsTrial()
    try:
        with database.connect(dsn, prepare_threshold=None) as connection:
            return rls_trial.run(connection, schemas=served(path), samples=samples, settings=settings)
    except errors.OpsError as error:
        raise logins.explained(error, dsn, os.environ) from None


def _say(trial: Trial) -> None:
    if trial.touched:
        print(f"In the transaction that was rolled back: {'; '.join(trial.touched)}.", file=sys.stderr)
