"""The contract of row level security proven: each policy of a project broken once, and who does not notice it.

By behaviour alone: that a policy reads otherwise than its contract is not counted, since a predicate may stand as it
is while a function that it calls, or a grant beside it, lets somebody in.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ops import (
    apply,
    database,
    errors,
    migrations,
    reversal,
    rls,
    rls_contract,
    rls_correction,
    rls_mutants,
    rls_trial,
    rls_words,
    throwaway,
)
from ops.checks import Finding
from ops.project import THROW_AWAY, Project
from ops.rls_contract import Policy, RlsContract
from ops.rls_mutants import Mutant
from ops.throwaway import Throwaway


@dataclass
class Proof:
    """How many ways of breaking `policies` were tried, and which of them nobody noticed.

    `same` changed nothing in the catalog; `asking` only widened the roles of a policy that asks for the caller, which
    lets nobody new in: only the comparison of policies sees these.
    """

    policies: int = 0
    tried: int = 0
    same: int = 0
    asking: list[Mutant] = field(default_factory=list[Mutant])
    survivors: list[Mutant] = field(default_factory=list[Mutant])
    known: list[Mutant] = field(default_factory=list[Mutant])


def prove(project: Project, declared: RlsContract, *, run: str, told: Callable[[str], None]) -> Proof:
    """Break each policy of a project once, on a throw-away database, and hold the contract against each.

    Raises:
        Refused: the migrations have a mistake.
        CheckFailed: a migration does not apply, or the contract does not hold before anything is broken.
        Unavailable: the server did not start.
    """
    with throwaway.opened(project, project.environment(THROW_AWAY), run=run) as away:
        _migrate(away, project)
        told("The migrations are applied.")
        with database.connect(away.target.dsn, application=run) as connection:
            return _Proving(connection, project, declared).all(told)


def _migrate(away: Throwaway, project: Project) -> None:
    found = migrations.find(project)
    if problem := next((each.problem for each in found if each.problem), None):
        raise errors.Refused(problem)
    for each in found:
        outcome = apply.run(away.target, each.script, reversal.forward_entry(each))
        if outcome.failure:
            raise errors.CheckFailed(
                f"{each.file} does not apply, so that no policy could be broken: {outcome.failure} Rehearse first: "
                "runbooks rehearse."
            )


class _Proving:
    def __init__(self, connection: database.Connection, project: Project, declared: RlsContract) -> None:
        self._connection = connection
        self._project = project
        self._schemas = rls.exposed_schemas(project)
        self._declared = _behaviour(declared)

    def all(self, told: Callable[[str], None]) -> Proof:
        proof = Proof()
        right = self._tried()
        before = self._noticed(_behaviour(right), "")
        if wrong := [each.said for each in before.values() if each.severity == "failed"]:
            raise errors.CheckFailed(
                f"The contract does not hold on the project's own migrations, so nothing was broken: {' '.join(wrong)} "
                "Mend the policies, or write the contract again: runbooks rls declare."
            )
        asking = self._asking()
        for table, name, policy in _policies(right):
            proof.policies += 1
            told(f'Breaking "{name}" of {table}.')
            for mutant in rls_mutants.of(table, name, policy):
                if self._survives(mutant, right, before, proof):
                    self._say(mutant, policy, asking, proof)
        if self._tried() != right:
            raise errors.CheckFailed(
                "The policies could not be put back as they were, so that later ones were broken on top of others and "
                "nothing is proven. That is a mistake of this program: report it with the policies of the project."
            )
        return proof

    def _survives(self, mutant: Mutant, right: RlsContract, before: dict[str, Finding], proof: Proof) -> bool:
        wanted = _with(right, mutant)
        try:
            self._execute(rls_correction.statements(wanted=wanted, there=right))
            # Mostly the table itself tells; what other tables do costs a trial of them all.
            broken = self._tried(only=frozenset((mutant.table,)))
            if broken.tables[mutant.table].policies == right.tables[mutant.table].policies:
                proof.same += 1
                return False
            proof.tried += 1
            return not (
                self._noticed(_behaviour(broken), mutant.table).keys() - before.keys()
                or self._noticed(_behaviour(self._tried()), "").keys() - before.keys()
            )
        finally:
            self._execute(rls_correction.statements(wanted=right, there=wanted))

    def _say(self, mutant: Mutant, policy: Policy, asking: frozenset[str], proof: Proof) -> None:
        if mutant.is_widened and rls_mutants.asks_caller(policy, asking):
            proof.asking.append(mutant)
        elif self._is_known(mutant):
            proof.known.append(mutant)
        else:
            proof.survivors.append(mutant)

    def _is_known(self, mutant: Mutant) -> bool:
        names = (mutant.table, f"{mutant.table} {mutant.policy}")
        return any(fnmatch.fnmatchcase(name, glob) for glob in self._project.rls.known for name in names)

    def _tried(self, only: frozenset[str] | None = None) -> RlsContract:
        trial = rls_trial.run(
            self._connection,
            schemas=self._schemas,
            samples=self._project.deploy.samples,
            settings=self._project.rls,
            only=only,
        )
        return trial.contract

    def _noticed(self, found: RlsContract, table: str) -> dict[str, Finding]:
        findings = rls_contract.compare(rls_contract.only(self._declared, table), found)
        return {each.fingerprint: each for each in findings}

    def _asking(self) -> frozenset[str]:
        called = rls_trial.called(self._connection, self._schemas)
        return frozenset(each.function for each in called if rls_words.asks(each.source))

    def _execute(self, statements: tuple[str, ...]) -> None:
        with database.translating(), self._connection.transaction():
            for each in statements:
                self._connection.execute(each.encode())


def _policies(contract: RlsContract) -> Iterator[tuple[str, str, Policy]]:
    for table, held in sorted(contract.tables.items()):
        for name, policy in sorted(held.policies.items()):
            yield table, name, policy


def _behaviour(contract: RlsContract) -> RlsContract:
    """Return what is done by whom, without the policies that say so."""
    return contract.model_copy(
        update={"tables": {k: v.model_copy(update={"policies": {}}) for k, v in contract.tables.items()}}
    )


def _with(right: RlsContract, mutant: Mutant) -> RlsContract:
    held = right.tables[mutant.table]
    policies = {name: each for name, each in held.policies.items() if name != mutant.policy}
    if mutant.becomes:
        policies[mutant.policy] = mutant.becomes
    changed = held.model_copy(update={"policies": policies})
    return right.model_copy(update={"tables": right.tables | {mutant.table: changed}})
