"""The operated project: where its files are, and what each of its environments has.

`runbooks.toml` in the project's root says so; everything in it has a conventional default, so that a plain
Supabase repository works with no file at all.
"""

from __future__ import annotations

import difflib
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from pydantic import Field, ValidationError, model_validator

from ops import configuration, errors, project_folder
from ops.access_settings import Access
from ops.backup_settings import Backups
from ops.check_settings import Acknowledged, Checks
from ops.config_settings import Flags, Providers, SchemaGuard
from ops.erasure_settings import Erasure
from ops.eval_settings import Eval, EvalSource
from ops.notice_settings import Level, Notifications
from ops.pause_settings import WritePause
from ops.redis_settings import Prefix, RedisLimits
from ops.release_settings import Promotion, Release
from ops.rls_settings import RlsTrial
from ops.settings import Deploy, Glob, Integrity, PullRequest, Strict
from ops.startup_settings import Startup
from ops.storage_settings import FileStorage
from ops.watch_settings import Soak, Watch

CONFIG_NAME = project_folder.CONFIG_NAME
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
    notifications: Notifications = Notifications()
    escalation: tuple[Level, ...] = ()
    ping: str | None = Field(
        default=None, description="secret reference of the URL that waits for a sign of life of the janitor"
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
    redis: str | None = Field(default=None, description="secret reference of the URL of its Redis")
    redis_prefix: Prefix | None = Field(default=None, description="with which all its keys begin, as stg:")
    redis_limits: RedisLimits = RedisLimits()
    overlays: tuple[Glob, ...] = Field(
        default=(), description="globs of the files applied only here, after a change"
    )
    promotion: Promotion = Promotion()
    startup: Startup = Startup()
    watch: Watch = Watch()
    soak: Soak | None = None
    backups: Backups | None = None
    storage: FileStorage | None = None
    pause: WritePause = WritePause()
    eval: EvalSource | None = None
    access: Access = Access()
    checks: Checks = Checks()
    acknowledged: tuple[Acknowledged, ...] = ()

    @model_validator(mode="after")
    def _can_tell(self) -> Environment:
        if self.notifications.smtp is None and any(
            each.email for each in (self.notifications, *self.escalation)
        ):
            raise ValueError('email needs notifications.smtp, the server: smtp = "env:SMTP_URL"')
        afters = [each.after for each in self.escalation]
        if afters != sorted(set(afters)) or len({each.name for each in self.escalation}) < len(afters):
            raise ValueError("each level of escalation has a name of its own and comes after the one before")
        return self

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
    rls_holes: tuple[str, ...] = Field(
        default=(), description="tables (globs) without RLS that are known: said, and no failure"
    )
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
    erasure: Erasure = Erasure()
    rls: RlsTrial = RlsTrial()
    eval: Eval = Eval()
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


_TABLES = tuple(
    name
    for name, field in Project.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Strict)
)
_OWN = tuple(
    name
    for name in Project.model_fields
    if name not in (*_TABLES, "root", "configured", "environments", "supabase_config")
)


def load(path: Path) -> Project:
    """Read the project at `path`, or the only one below it.

    Raises:
        Refused: there is no such folder, several projects are in it, or a configuration file has a mistake.
    """
    root = project_folder.find(path)
    file = configuration.File.read(root / CONFIG_NAME)
    _verify_keys(file)
    own = file.values.get("project", {})
    try:
        return Project.model_validate(
            {
                "name": root.name,
                **own,
                **{name: values for name, values in file.values.items() if name in _TABLES},
                "root": root,
                "configured": file.there,
                "supabase_config": configuration.File.read(root / "supabase" / "config.toml").values,
                "environments": _environments(file.values.get("environments", {})),
            }
        )
    except ValidationError as error:
        raise file.mistakes(error, Project, moved={name: ("project", name) for name in _OWN}) from None


def _verify_keys(file: configuration.File) -> None:
    """Check the keys that no model of one table knows: the tables themselves, and those that stand in several.

    Raises:
        Refused: one of them is unknown, or is no table.
    """
    tables = ["project", "environments", *_TABLES]
    for name, values in file.values.items():
        if name not in tables:
            listed = ", ".join(f"[{each}]" for each in _TABLES)
            what = f"unknown table {name!r}; it has [project], [environments.NAME] and {listed}"
            raise file.misplaced(
                (name,), tables, what=f"{name} belongs in [project]" if name in _OWN else what
            )
        if not isinstance(values, dict):
            raise file.misplaced((name,), (), what=f"{name}: should be a table")
    for name in file.values.get("project", {}):
        if name not in _OWN:
            raise file.misplaced(("project", name), _OWN)
    for name, values in file.values.get("environments", {}).items():
        if isinstance(values, dict) and "name" in values:
            raise file.misplaced(("environments", name, "name"), ())


def _environments(tables: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {**values, "name": name} if isinstance(values, dict) else values
        for name, values in tables.items()
    }
