"""The operated project: where its files are, and what each of its environments has.

`runbooks.toml` in the project's root says so; everything in it has a conventional default, so that a plain
Supabase repository works with no file at all.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast, get_args

from pydantic import BaseModel, Field, ValidationError

from ops import errors
from ops.config_settings import Flags, Providers, SchemaGuard
from ops.release_settings import Promotion, Release
from ops.settings import Deploy, Glob, Integrity, PullRequest, Strict
from ops.startup_settings import Startup
from ops.watch_settings import Soak, Watch

CONFIG_NAME = "runbooks.toml"
_MIGRATIONS = Path("supabase", "migrations")
# In a monorepo the project lies some folders down, and never in these.
_DEEPEST = 4
_NEVER = {"node_modules", "vendor", "dist", "build", "target", "venv"}
_TABLES: dict[str, type[Strict]] = {
    "deploy": Deploy,
    "flags": Flags,
    "integrity": Integrity,
    "providers": Providers,
    "pull_request": PullRequest,
    "release": Release,
    "schema_guard": SchemaGuard,
}
THROW_AWAY = "throw-away"
GIVEN = "given-database"


class Place(StrEnum):
    """Where a rehearsal runs."""

    IN_PLACE = "in-place"
    THROW_AWAY = "throw-away"


class OnFailure(StrEnum):
    """What happens when a migration fails for a reason that trying again does not mend."""

    STOP = "stop"
    ASK = "ask"


class AfterFailure(StrEnum):
    """What becomes of the migrations that were applied before the one that failed."""

    KEEP = "keep"
    ROLL_BACK = "roll-back"


class Environment(Strict):
    """What one environment has and how careful it is; what it does not have is `None`."""

    name: str = ""
    place: Place = Place.THROW_AWAY
    database: str | None = Field(
        default=None, description="secret reference of the DSN: env:, file: or command:"
    )
    rehearse: bool = Field(default=False, description="a rehearsal may change this database")
    guarded: bool = False
    template: str | None = Field(
        default=None, description="throw-away: clone this database of `database`'s server"
    )
    bindir: Path | None = Field(default=None, description="throw-away: folder of another Postgres's binaries")
    on_failure: OnFailure = OnFailure.STOP
    after_failure: AfterFailure = AfterFailure.KEEP
    chain: bool | None = Field(default=None, description="rehearse the whole chain; default: only in place")
    lock_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(minutes=10)
    require_rollback: bool = False
    out_of_order: bool = Field(
        default=False, description="apply pending migrations below the highest applied version as well"
    )
    four_eyes: bool = Field(default=False, description="who asks proves a name, and somebody else approves")
    approvals: int = Field(default=1, ge=1, le=9, description="so many different people approve")
    approvers: str | None = Field(default=None, description="secret reference of the approvers' store")
    approval_window: timedelta = Field(default=timedelta(days=1), gt=timedelta(0), le=timedelta(days=30))
    break_glass: bool = Field(default=False, description="one person may decide alone, and is reviewed")
    audit_key: str | None = Field(default=None, description="secret reference of the audit log's key")
    notify: str | None = Field(
        default=None, description="secret reference of the webhook of those who approve"
    )
    expects: tuple[str, ...] | None = Field(
        default=None, description="globs of the migrations it expects to touch"
    )
    api: str | None = Field(default=None, description="secret reference of the URL of its PostgREST")
    api_key: str | None = Field(default=None, description="secret reference of the key that the app uses")
    health_url: str | None = Field(default=None, description="answers 2xx while the app works")
    ai_url: str | None = Field(
        default=None, description="answers 2xx when a log is stored though the AI call fails"
    )
    app_command: str | None = Field(default=None, description="ends well while the app works; no shell")
    overlays: tuple[Glob, ...] = Field(
        default=(), description="globs of the files applied only here, after a change"
    )
    promotion: Promotion = Promotion()
    startup: Startup = Startup()
    watch: Watch = Watch()
    soak: Soak | None = None

    @property
    def in_place(self) -> bool:
        return self.place is Place.IN_PLACE


class Project(Strict):
    """A repository with a `supabase/` folder; all paths are relative to `root`."""

    root: Path
    name: str
    configured: bool = Field(description="a runbooks.toml was found, so its silence counts")
    migrations: tuple[Path, ...] = (Path("supabase/migrations"),)
    rollbacks: tuple[Path, ...] | None = Field(default=None, description="None: the common conventions")
    contract: tuple[Path, ...] | None = Field(
        default=None, description="None: supabase/rls_tests.sql; empty: has none"
    )
    tests: tuple[Path, ...] = (Path("supabase/tests"),)
    seed: tuple[Path, ...] | None = Field(default=None, description="None: what supabase/config.toml says")
    manager: str | None = Field(default=None, description="secret reference of the manager's webhook URL")
    environments: dict[str, Environment] = Field(default_factory=dict)
    deploy: Deploy = Deploy()
    integrity: Integrity = Integrity()
    flags: Flags = Flags()
    providers: Providers = Providers()
    pull_request: PullRequest = PullRequest()
    release: Release = Release()
    schema_guard: SchemaGuard = SchemaGuard()
    supabase_config: dict[str, Any] = Field(default_factory=dict, description="supabase/config.toml as read")

    @property
    def private_variables(self) -> frozenset[str]:
        """The variables that prove who decided, which no command of the project's own may see."""
        named = (name for one in self.environments.values() for name in (one.approvers, one.audit_key))
        return frozenset(name.removeprefix("env:") for name in named if name and name.startswith("env:"))

    def environment(self, name: str) -> Environment:
        """Return the environment called `name`.

        Raises:
            Refused: the project has no such environment.
        """
        if name in self.environments:
            return self.environments[name]
        if name == THROW_AWAY:
            return Environment(name=THROW_AWAY, rehearse=True)
        near = difflib.get_close_matches(name, [*self.environments, THROW_AWAY], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise errors.Refused(
            f"{self.name} has no environment {name!r}; it has {', '.join([*self.environments, THROW_AWAY])}.{hint}"
        )

    def setting(self, *keys: str, default: Any = None) -> Any:
        """Return a value of `supabase/config.toml`, such as `setting("db", "major_version")`."""
        value: Any = self.supabase_config
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return default
            value = cast("dict[str, Any]", value)[key]
        return value


def load(path: Path) -> Project:
    """Read the project at `path`, or the only one below it.

    Raises:
        Refused: there is no such folder, several projects are in it, or a configuration file has a mistake.
    """
    root = _root(path)
    config = _read_toml(root / CONFIG_NAME)
    table: dict[str, Any] = dict((config or {}).get("project", {}))
    environments = {
        name: {"name": name, **values} for name, values in (config or {}).get("environments", {}).items()
    }
    tables = ["project", "environments", *_TABLES]
    if unknown := sorted(set(config or {}) - {*tables}):
        raise errors.Refused(
            f"{CONFIG_NAME}: unknown table {unknown[0]!r}; it has [project], [environments.NAME] and "
            f"{', '.join(f'[{name}]' for name in _TABLES)}.{_nearest(unknown[0], tables)}"
        )
    try:
        return Project.model_validate(
            {
                "name": root.name,
                **table,
                "root": root,
                "configured": config is not None,
                "supabase_config": _read_toml(root / "supabase" / "config.toml") or {},
                "environments": environments,
                **{name: values for name, values in (config or {}).items() if name in _TABLES},
            }
        )
    except ValidationError as error:
        raise errors.Refused(_explain(error, root / CONFIG_NAME)) from None


def _root(path: Path) -> Path:
    root = path.expanduser().resolve()
    if not root.is_dir():
        raise errors.Refused(
            f"{path} is not a folder, so there is no project to operate on. Name a repository's root."
        )
    if root.name == "supabase" and not (root / "supabase").is_dir():
        return root.parent
    if (root / CONFIG_NAME).is_file() or (root / _MIGRATIONS).is_dir():
        return root
    below = _below(root)
    if len(below) > 1:
        names = ", ".join(found.relative_to(root).as_posix() for found in below)
        raise errors.Refused(
            f"{path} holds {len(below)} Supabase projects, so it is not clear which one is meant: {names}. "
            "Name one of them."
        )
    return below[0] if below else root


def _below(root: Path) -> list[Path]:
    """Return the folders below `root` that hold Supabase migrations, in the order of their names."""
    found: list[Path] = []
    for place, folders, _ in os.walk(root):
        here = Path(place)
        if any((here / _MIGRATIONS).glob("*.sql")):
            found.append(here)
        deep = len(here.relative_to(root).parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(f for f in folders if f not in _NEVER and not f.startswith("."))
    return found


def _read_toml(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.Refused(f"{path.name} cannot be read as TOML: {error}. Mend the file.") from None


def _explain(error: ValidationError, path: Path) -> str:
    sentences: list[str] = []
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    for problem in error.errors(include_input=False, include_url=False):
        place = [str(part) for part in problem["loc"]]
        line = _line(text, place)
        hint = _nearest(place[-1], _known(problem["loc"])) if problem["type"] == "extra_forbidden" else ""
        where = f"{path.name}:{line}" if line else path.name
        sentences.append(f"{where}: {'.'.join(place)}: {problem['msg']}.{hint}")
    return " ".join(sentences)


def _line(text: str, place: list[str]) -> int | None:
    """Return the line where a key stands, in its own table."""
    keys = place if place[0] in ("environments", *_TABLES) else ["project", *place]
    table: list[str] = []
    for number, row in enumerate(map(str.strip, text.splitlines()), 1):
        if row.startswith("["):
            table = row.partition("#")[0].strip("[] ").split(".")
        elif keys[: len(table)] == table and _named(row) in keys[len(table) :]:
            return number
    return None


def _named(row: str) -> str:
    return row.partition("=")[0].strip().strip("\"'")


def _known(place: tuple[int | str, ...]) -> list[str]:
    """Return the keys that could have been meant at this place."""
    model: type[BaseModel] = (
        Environment if place[0] == "environments" else _TABLES.get(str(place[0]), Project)
    )
    for part in map(str, place[1:-1]):
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        held = (annotation, *get_args(annotation))
        model = next((each for each in held if isinstance(each, type) and issubclass(each, Strict)), model)
    return list(model.model_fields)


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f" The nearest key is {near[0]!r}." if near else ""
