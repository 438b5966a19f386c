"""Work pools as configuration: checked against Prefect's own templates of their types, and made from them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import prefect.server.api
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.utilities.schema_tools.validation import validate
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deployments import prefect_setup
from ops import errors

_TEMPLATES = (
    Path(prefect.server.api.__file__).parent / "collections_data/views/aggregate-worker-metadata.json"
)


class Pool(BaseModel):
    """A work pool: `queues` are its queues and how many runs of each may be under way, `job_variables` its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    type: str
    queues: dict[str, int] = {}
    job_variables: dict[str, Any] = {}


class _Pools(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    pools: tuple[Pool, ...] = Field(min_length=1)


def load(path: Path) -> tuple[Pool, ...]:
    """Return the pools of a file.

    Raises:
        Refused: it is not there, or has a mistake.
    """
    try:
        return _Pools.model_validate(yaml.safe_load(path.read_text("utf-8"))).pools
    except OSError as error:
        raise errors.Refused(
            f"{path} cannot be read ({type(error).__name__}). Name another: --pools."
        ) from None
    except (ValidationError, yaml.YAMLError) as error:
        raise errors.Refused(f"{path} has a mistake: {error}") from None


def problems(pool: Pool) -> Iterator[str]:
    """Yield what Prefect would not take, or would pass over without a word."""
    types = _templates()
    if pool.type not in types:
        yield f"There is no type {pool.type!r} of work pools.{_near(pool.type, types)}"
        return
    variables = types[pool.type]["variables"]
    known = variables["properties"]
    for name in pool.job_variables:
        if name not in known:
            yield f"A pool of the type {pool.type} has no variable {name!r}.{_near(name, known)}"
    given = {name: value for name, value in pool.job_variables.items() if name in known}
    for error in validate(given, variables, ignore_required=True):
        yield f"{error.json_path.removeprefix('$.')}: {error.message}"
    for queue, limit in pool.queues.items():
        if limit < 1:
            yield f"The queue {queue!r} lets {limit} runs begin, so none ever does."


def install(client: SyncPrefectClient, pool: Pool) -> None:
    """Make a pool with its queues, or bring the one that is there up to date.

    Raises:
        Refused: it has a mistake, or there is a pool of this name and another type.
    """
    if found := list(problems(pool)):
        raise errors.Refused(f"The work pool {pool.name} was not made: {' '.join(found)}")
    template = _template(pool)
    try:
        there = client.read_work_pool(pool.name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=pool.name, type=pool.type, base_job_template=template))
    else:
        if there.type != pool.type:
            raise errors.Refused(
                f"There is a work pool {pool.name} of the type {there.type}, which cannot become {pool.type}, so "
                "nothing was changed. Delete it, or give this one another name."
            )
        client.update_work_pool(pool.name, WorkPoolUpdate(base_job_template=template))
    queues = {queue.name: queue for queue in client.read_work_queues(work_pool_name=pool.name)}
    for name, limit in pool.queues.items():
        queue = queues.get(name) or client.create_work_queue(name, work_pool_name=pool.name)
        client.update_work_queue(queue.id, concurrency_limit=limit)


def _template(pool: Pool) -> dict[str, Any]:
    if pool.type == "process":
        template = prefect_setup.template()
    else:
        template = cast("dict[str, Any]", json.loads(json.dumps(_templates()[pool.type])))
    for name, value in pool.job_variables.items():
        template["variables"]["properties"][name]["default"] = value
    return template


@cache
def _templates() -> dict[str, dict[str, Any]]:
    """Return the templates that come with Prefect, by type; the package of a type need not be installed for that."""
    written = json.loads(_TEMPLATES.read_text("utf-8"))
    return {
        name: worker["default_base_job_configuration"]
        for workers in written.values()
        for name, worker in workers.items()
        if name != "prefect-agent"
    }


def _near(name: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(sorted(known))}."
