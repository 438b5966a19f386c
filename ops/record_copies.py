"""Our own records in the operated database beside their copies outside, which a restore does not rewind.

Each of these returns what only the copy has, as rows of one shape. Row by row there are copies of the audit log, used
codes, deploys, soaks and drills; of the journal there are the results of promotions and rollbacks in their bundles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import quote

from ops import audit_store, database, deploys, drill_log, queries, used_codes

Row = dict[str, str]
_SCHEMA = "runbooks"
# A later pass of a promotion finds applied what the one before it applied, whose result it replaces.
_WHOLE = {"applied": "apply", "applied before": "apply", "rolled back": "rollback"}


@dataclass(frozen=True)
class Copies:
    """The copies of one environment below `root`, and the database that they are held against."""

    connection: database.Connection
    root: Path
    environment: str

    @property
    def ops(self) -> Path:
        return self.root / "artifacts" / "ops"

    def audit(self) -> list[Row]:
        """Return the rows of the audit log that the database does not have."""
        lines = audit_store.Store.of(self.root, self.environment).lines()
        last = max((number or 0 for (number,) in self._asked("audit_log", "drill/last_audit_row")), default=0)
        return [
            _row("audit log", f"{each['id']}: {each['event']}{_by(each)}", each["at"], each["run"])
            for each in audit_store.after(lines, last)
        ]

    def codes(self) -> list[Row]:
        """Return what codes were used for, of which the database does not know: they stay used by their copy."""
        judged = {
            purpose
            for environment, run, gate, digest, answer in self._asked("audit_log", "drill/judged")
            for purpose in (f"{environment}/{run}/{gate}/{digest}/{answer}", f"{environment}/{gate} {digest}")
        }
        used = used_codes.purposes(audit_store.folder(self.root), self.environment)
        return [_row("used code", f"for {each}") for each in used if each not in judged]

    def deploys(self) -> list[Row]:
        """Return the deploys that the database does not have, or of which it does not have a part."""
        found: list[Row] = []
        for path in self._files("deploys"):
            mirrored = _read(path)
            deploy = deploys.read(self.connection, self.environment, path.stem)
            here = deploy.model_dump(mode="json") if deploy else {}
            lost = [name for name, value in mirrored.items() if value is not None and here.get(name) is None]
            if lost:
                how = f"there without {', '.join(lost)}" if here else "not there"
                what = f"{path.stem} is {how}"
                found.append(_row("deploy", what, mirrored.get("began_at")))
        return found

    def soaks(self) -> list[Row]:
        """Return the soaks that the database does not have, or not up to their last look."""
        here = dict(self._asked("soak", "drill/soaked"))
        found: list[Row] = []
        for path in self._files("soaks"):
            mirrored = _read(path)
            last = _time(mirrored.get("last_at"))
            there = here.get(mirrored.get("id"))
            if last and (there is None or there < last):
                what = (
                    f"{mirrored['id']} is {'not there' if there is None else 'there without its last looks'}"
                )
                found.append(_row("soak", what, mirrored.get("last_at")))
        return found

    def drills(self) -> list[Row]:
        """Return the drills that the database's log does not have."""
        here = {run for (run,) in self._asked("drills", "drill/logged")}
        return [
            _row("drill", str(each.get("verdict")), each.get("ended"), each.get("run"))
            for each in drill_log.read(self.root, self.environment)
            if each.get("run") not in here
        ]

    def journal(self) -> list[Row]:
        """Return what promotions and rollbacks did last to a migration by their evidence, and is not journaled."""
        here = {version: (action, at) for version, action, at in self._asked("journal", "drill/journaled")}
        done: dict[str, tuple[str, datetime, Row]] = {}
        for ended, version, word, file in sorted(self._promoted()):
            what = f"{file} was {word.removesuffix(' before')}"
            done[version] = (_WHOLE[word], ended, _row("journal", what, ended.isoformat()))
        # What the journal says since then was done by others, of whom there is no evidence here.
        return [
            row
            for version, (action, ended, row) in done.items()
            if version not in here or (here[version][0] != action and here[version][1] < ended)
        ]

    def _promoted(self) -> Iterator[tuple[datetime, str, str, str]]:
        for path in self.ops.glob("*/*/promotion.json"):
            result = _read(path)
            ended = _time(result.get("ended"))
            if ended and result.get("environment") == self.environment:
                for each in result.get("files", ()):
                    if each["status"] in _WHOLE and not each["overlay"]:
                        yield ended, each["version"], each["status"], each["file"]
        for path in self.ops.glob("*/*/schema-rollback.json"):
            result = _read(path)
            ended = _time(result.get("ended"))
            if ended and result.get("environment") == self.environment:
                for version in result.get("rolled_back", ()):
                    yield ended, version, "rolled back", version

    def _files(self, kind: str) -> list[Path]:
        return sorted((self.ops / kind / quote(self.environment, safe="")).glob("[!.]*.json"))

    def _asked(self, table: str, query: LiteralString) -> list[tuple[Any, ...]]:
        """Ask a table of ours; nothing where the database never had it."""
        with database.translating():
            name = {"name": f"{_SCHEMA}.{table}"}
            ((there,),) = self.connection.execute("select to_regclass(%(name)s) is not null", name).fetchall()
            if not there:
                return []
            values = {"environment": self.environment}
            return self.connection.execute(queries.load(query), values).fetchall()


def _row(record: str, what: str, at: object = None, run: object = None) -> Row:
    return {"record": record, "what": what, "at": str(at or ""), "run": str(run or "")}


def _by(row: dict[str, Any]) -> str:
    return f" by {row['actor']}" if row.get("actor") else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
