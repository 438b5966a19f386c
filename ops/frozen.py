"""A promotion's plan as it is approved and then frozen: what is applied to what, and what was rehearsed of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from ops import comparison, proposal, schema
from ops.change import Change
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.schema import Delta, Snapshot

# Digests of secrets are made with a salt of each process, so that two processes could not compare them.
_INCOMPARABLE = schema.SECRETS
PROOFS = "checklist, health, start-up, watch, schema guard or after_failure"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PlannedFile(_Part):
    """One file of a plan, by content; `overlay` says that it belongs to this environment alone."""

    file: str
    version: str
    name: str
    sha256: str
    overlay: bool = False
    rollback: str | None = None
    rollback_sha256: str | None = None

    @classmethod
    def of(cls, migration: Migration) -> PlannedFile:
        script = migration.rollback
        return cls(
            file=migration.file,
            version=migration.version,
            name=migration.name,
            sha256=migration.sha256,
            overlay=migration.overlay,
            rollback=script.file if script else None,
            rollback_sha256=script.sha256 if script else None,
        )


class RehearsedBy(_Part):
    """The rehearsal that covers a plan; it is evidence, and not what is approved."""

    run: str
    bundle: str
    seal: str
    started: str
    ended: str
    environment: str
    rollbacks: Mapping[str, str] = {}


class Target(_Part):
    """The database of a plan, by identity and not by name."""

    system_identifier: str
    database: str
    major: int


class Frozen(_Part):
    """An approved plan. Its digest is over content only: the same plan tomorrow has the same digest."""

    project: str
    environment: str
    commit: str | None
    target: Target
    change: Change
    files: tuple[PlannedFile, ...]
    adopted: tuple[str, ...] = ()
    fingerprint: str
    emergency: str = ""
    proofs: str = ""
    rehearsal: RehearsedBy

    @property
    def digest(self) -> str:
        """SHA-256 over the change, the target, this environment's overlay, and the schema before the act."""
        # A plan of before there was one has the digest of then.
        proofs = {"proofs": self.proofs} if self.proofs else {}
        return proposal.digest(
            {
                **proofs,
                "project": self.project,
                "environment": self.environment,
                "target": self.target.model_dump(),
                "change": self.change.digest,
                "files": [each.model_dump() for each in self.files],
                "adopted": list(self.adopted),
                "fingerprint": self.fingerprint,
                "emergency": self.emergency,
            }
        )


def proofs(project: Project, where: Environment) -> str:
    """Return the digest of what proves a plan beside its gates, and of what becomes of it where a file fails."""
    release, guard = project.release, project.schema_guard
    content = {
        "checklist": list(release.checklist),
        "schema guard": guard.model_dump(mode="json"),
        **{name: getattr(where, name) for name in ("health_url", "app_command")},
        "startup": where.startup.model_dump(mode="json") if where.startup else None,
        "watch": where.watch.model_dump(mode="json"),
        "after failure": where.after_failure.value,
    }
    return proposal.digest(content)


def comparable(snapshot: Snapshot) -> dict[schema.Key, str]:
    """Return what of a schema is this database's own, and means the same to every process."""
    own = comparison.without_cluster(snapshot)
    return {key: text for key, text in own.items() if key[0] not in _INCOMPARABLE}


def fingerprint(snapshot: Snapshot) -> str:
    """Return the SHA-256 of a schema, whatever the order of its objects."""
    text = json.dumps(plain(snapshot), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain(snapshot: Snapshot) -> list[list[str]]:
    """Return a schema as JSON keeps it."""
    return [[kind, name, text] for (kind, name), text in sorted(snapshot.items())]


def schema_of(kept: list[list[str]]) -> dict[schema.Key, str]:
    """Return the schema that `plain` has kept."""
    return {(kind, name): text for kind, name, text in kept}


def plain_delta(delta: Delta) -> list[list[Any]]:
    """Return a change as JSON keeps it."""
    return [[kind, name, before, after] for (kind, name), (before, after) in sorted(delta.items())]


def delta_of(kept: list[list[Any]]) -> dict[schema.Key, tuple[str | None, str | None]]:
    """Return the change that `plain_delta` has kept."""
    return {(kind, name): (before, after) for kind, name, before, after in kept}


def without_incomparable(delta: Delta) -> dict[schema.Key, tuple[str | None, str | None]]:
    """Return a change without what only the cluster, or only one process, can tell."""
    return {
        key: change
        for key, change in delta.items()
        if key[0] not in comparison.CLUSTER and key[0] not in _INCOMPARABLE
    }
