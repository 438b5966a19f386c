"""`runbooks run RUNBOOK --all`: the same runbook for each project of a fleet, a few at once, and one report."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli import destination
from cli import run as one
from deployments import runs, server
from deployments.server import Server
from ops import errors, fleet, secrets
from ops.verdict import Verdict

_WORST_FIRST = (Verdict.UNAVAILABLE, Verdict.FAILED, Verdict.REFUSED, Verdict.PASSED)


@dataclass(frozen=True)
class Row:
    """What came of one project: the state of its run, the last words, and where to read more."""

    project: str
    environment: str
    state: str
    said: str
    page: str
    exit_code: int

    @property
    def rank(self) -> int:
        return [each.exit_code for each in _WORST_FIRST].index(self.exit_code)


def run(runbook: str, settings: Sequence[str], file: Path, json_file: Path | None) -> int:
    """Start the runbook for each project of the fleet, and follow all of them to their end, or to where they wait.

    The exit code is that of the worst: 3: one broke, or nobody answers; 1: one failed; 2: one was refused or rejected.

    Raises:
        Refused: there is no such runbook, or it is of no project; the fleet has a mistake. Then nothing is started.
    """
    if problem := destination.problem(json_file):
        raise errors.Refused(problem)
    meant = fleet.read(file)
    projects = fleet.projects(file, meant)
    reached = server.reached()
    name, given = one.chosen(reached, runbook, one.parameters(settings), needs=("project", "environment"))
    if "project" in given:
        raise errors.Refused(
            f"The projects are those of {file}, so `--set project=...` has no place beside --all."
        )
    rows: list[Row] = []
    said = f"{name} for {len(projects)} projects, {meant.at_once} at once."
    print(said, flush=True)
    with ThreadPoolExecutor(max_workers=meant.at_once) as together:
        asked = {"environment": meant.environment} | dict(given)
        going = [together.submit(_one, reached, name, asked | {"project": str(each)}) for each in projects]
        try:
            for ended in as_completed(going):
                rows.append(ended.result())
                row = rows[-1]
                print(f"{len(rows)} of {len(projects)}: {Path(row.project).name}: {row.state}", flush=True)
        except KeyboardInterrupt:
            together.shutdown(wait=False, cancel_futures=True)
            print("\nNo further run is started; those that were started go on in Prefect.", file=sys.stderr)
            # The threads would follow them to their end.
            os._exit(130)
    rows.sort(key=lambda row: (row.rank, row.project))
    _show(name, rows, json_file)
    return rows[0].exit_code


def _one(reached: Server, name: str, parameters: Mapping[str, object]) -> Row:
    project, environment = str(parameters["project"]), str(parameters["environment"])
    page, last = "", ""
    try:
        started = runs.trigger(reached, name, parameters)
        page = reached.run_page(started.id)
        for seen in runs.follow(reached, started.id):
            if isinstance(seen, FlowRun):
                return Row(project, environment, *_ended(seen, last), page, one.exit_code(seen))
            last = last if seen.ok is None else seen.summary
        said = "its run was not seen to end"
    except ObjectNotFound:
        # Its own text is None.
        said = f"{name}, or its run, is gone from the Prefect server. Deploy it again, and run it for this project."
    except (errors.OpsError, httpx.HTTPError) as error:
        said = str(error) or type(error).__name__
    return Row(project, environment, "not known", secrets.redact(said), page, Verdict.UNAVAILABLE.exit_code)


def _ended(seen: FlowRun, last: str) -> tuple[str, str]:
    state = seen.state
    if state is None:
        return "not known", ""
    if state.is_paused():
        return f"{state.name}", "waits for somebody: runbooks approvals"
    said = last if state.is_completed() else state.message or last
    return state.name or state.type.value, secrets.redact(said)


def _show(name: str, rows: Sequence[Row], json_file: Path | None) -> None:
    good = sum(row.exit_code == Verdict.PASSED.exit_code for row in rows)
    summary = f"{name}: {good} of {len(rows)} projects are well."
    table = Table(title=summary, title_justify="left", show_lines=True)
    for column in ("project", "state", "said"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in _cells(row)))
    Console().print(table)
    if json_file:
        found = {"runbook": name, "summary": summary, "projects": [asdict(row) for row in rows]}
        destination.write_json(json_file, found)


def _cells(row: Row) -> Iterator[str]:
    yield f"{Path(row.project).name} on {row.environment}"
    yield row.state
    # Of what is well a line is enough: what is not is to be read.
    yield row.said if row.exit_code else row.said.splitlines()[0] if row.said else ""
