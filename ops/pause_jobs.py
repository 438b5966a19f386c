"""The app's jobs paused, and resumed. Source: database-pipeline.md, "Job/Process Rollback"."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ops import cron_jobs, database, switch
from ops.choices import in_order
from ops.feature_flags import FeatureFlag
from ops.kept_state import State
from ops.project import Project
from ops.switch import Mode, SwitchPlan


class PauseChoices(BaseModel):
    """What is paused besides the flag, in which direction, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    resume: bool = Field(default=False, description="Resume what was paused last, and nothing else")
    cron: bool = Field(default=False, description="Pause the jobs of pg_cron in this database as well")
    reason: str = Field(default="", description="Why, for the record")
    even_if_changed: bool = Field(default=False, description="Resume even what somebody has changed since")
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


class Jobs:
    """The flag under which the app posts by itself, and the jobs of pg_cron where they are asked for."""

    kind = "pause-jobs"
    name = "jobs"

    def __init__(self, flag: FeatureFlag, *, cron: bool, required: bool) -> None:
        self._flag = flag
        self._cron = cron
        self._required = required

    def open(self, connection: database.Connection) -> None:
        """Look up what there is."""
        self._flag.open(connection)
        self._cron = self._cron and cron_jobs.exists(connection, required=self._required)

    def lock(self, connection: database.Connection) -> None:
        """Let nobody else write settings until the transaction ends."""
        self._flag.lock(connection)

    def read(self, connection: database.Connection) -> State:
        """Return the flag, everything else in its table, and the jobs."""
        flags = self._flag.read(connection)
        return {**flags, **cron_jobs.read(connection)} if self._cron else flags

    def wanted(self, state: State) -> State:
        """Return the flag as off and every job as paused, as far as they are not."""
        return {**self._flag.wanted(state), **cron_jobs.wanted(state)}

    def write(self, connection: database.Connection, state: State, wanted: State, mode: Mode) -> None:
        """Set the flag and the jobs."""
        jobs = {name: values for name, values in wanted.items() if "active" in values}
        flags = {name: values for name, values in wanted.items() if name not in jobs}
        self._flag.write(connection, state, flags, mode)
        cron_jobs.write(connection, state, jobs)

    def times(self, name: str) -> frozenset[str]:
        """Return nothing: neither has a time."""
        return frozenset()

    def problems(self, state: State) -> tuple[str, ...]:
        """Name what still runs."""
        return (
            *self._flag.problems(state),
            *(f"{name} is not paused" for name in cron_jobs.wanted(state)),
        )


def plan(path: str, environment: str, choices: PauseChoices) -> SwitchPlan:
    """Say what would be paused or resumed; reads files only.

    Raises:
        Refused: the project or the environment has a mistake.
    """

    def jobs(operated: Project) -> Jobs:
        flag = FeatureFlag(operated.flags, environment, operated.flags.posting)
        return Jobs(flag, cron=choices.cron or choices.resume, required=choices.cron)

    return switch.plan(
        path,
        environment,
        jobs,
        mode=Mode.PUT_BACK if choices.resume else Mode.SWITCH,
        reason=choices.reason,
        even_if_changed=choices.even_if_changed,
        out=choices.out,
    )
