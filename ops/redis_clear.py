"""The keys of one prefix cleared, some at a time, and nothing else: what is to be cleared, and what lies beside it.

Source: database-pipeline.md, "Redis Key Management" ("Clear environment"), without its KEYS, which keeps everybody
waiting, and never by FLUSH, which knows no prefix.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from ops import errors, project, proposal, redis_keys, redis_server, redis_settings
from ops.bundle import Bundle
from ops.choices import in_order
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.proposal import Proposal
from ops.redis_server import Client

GATE: Final = "redis-clear"
# Keys beside the prefix that must still be there afterwards.
SAMPLE = 200


class ClearChoices(BaseModel):
    """What is cleared, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    prefix: str = Field(
        default="",
        description="A longer prefix than the environment's, such as stg:cache:; default: all its keys",
    )
    reason: str = Field(default="", description="Why, for the record")
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


class ClearPlan(Evidence):
    """Which keys of which Redis are to be cleared, as the files say."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    prefix: str
    reason: str = ""
    out: Path


class Beside(BaseModel):
    """What lies beside the keys that are cleared: how many have each prefix, and some that do not expire."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    counts: dict[str, int] = Field(default_factory=dict[str, int])
    lasting: tuple[bytes, ...] = Field(default=(), repr=False)


class Clearing:
    """A run that clears a prefix."""

    def __init__(self, plan: ClearPlan, url: str) -> None:
        self.plan = plan
        self.place = redis_server.place(url)
        self.client: Client = redis_server.client(url, plan.environment)
        self.others = redis_server.sharing(plan.project, plan.environment, url)
        self.bundle: Bundle | None = None
        self.concluded: Evidence | None = None
        self.found = 0
        self.unlinked = 0
        self.beside = Beside()
        self.after: Beside | None = None
        self.left: int | None = None

    @property
    def due(self) -> bool:
        """Whether there is anything to clear."""
        return self.found > 0

    @property
    def digest(self) -> str:
        """Return the digest of the plan: how many keys there are changes by the second, and is none of its content."""
        content = {
            "runbook": GATE,
            "environment": self.plan.environment.name,
            "redis": self.place,
            "prefix": self.plan.prefix,
        }
        return proposal.digest(content)

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        why = f" Reason: {self.plan.reason}" if self.plan.reason else ""
        return (
            f"Clear the {self.found} keys that begin with {self.plan.prefix} from the Redis of "
            f"{self.plan.environment.name}.{why}"
        )

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about."""
        beside = "\n".join(f"| {prefix} | {count} |" for prefix, count in self.beside.counts.items())
        document = (
            f"# {self.summary}\n\nRedis at `{self.place}`. The keys are unlinked some at a time, and cannot be put "
            "back: what the app cannot make anew is lost. Keys that the app writes meanwhile go too.\n\n"
            f"Stays:\n\n| prefix | keys |\n|---|---|\n{beside}\n"
        )
        where = self.plan.environment
        return Proposal(gate, where, self.plan.project.root, self.digest, self.summary, document)


def plan(path: str, environment: str, choices: ClearChoices) -> ClearPlan:
    """Say which keys are to be cleared; reads files only.

    Raises:
        Refused: the environment has no Redis or no prefix, or the prefix asked for is not one below it.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.redis is None or where.redis_prefix is None:
        raise errors.Refused(
            f"{where.name} does not say where its Redis is and how its keys begin, so nothing is cleared. Say redis "
            f"and redis_prefix in [environments.{where.name}] of runbooks.toml."
        )
    prefix = _below(where.redis_prefix, choices.prefix)
    return ClearPlan(
        ok=True,
        summary=f"{operated.name}: the keys of {where.name} that begin with {prefix} are to be cleared.",
        project=operated,
        environment=where,
        prefix=prefix,
        reason=choices.reason.strip(),
        out=Path(choices.out) if choices.out else operated.root,
    )


def _below(own: str, chosen: str) -> str:
    if not chosen:
        return own
    try:
        prefix = redis_settings.verified(chosen)
    except ValueError as error:
        raise errors.Refused(f"{chosen!r} is not cleared: {error}. Nothing was cleared.") from None
    if not prefix.startswith(own):
        raise errors.Refused(
            f"{prefix!r} does not begin with {own!r}, with which the keys of this environment begin, so it may be "
            "somebody else's. Nothing was cleared."
        )
    return prefix


@contextmanager
def opened(plan: ClearPlan) -> Generator[Clearing]:
    """Open the Redis of the plan's environment; it is first asked when it is its turn.

    Raises:
        Refused: its secret cannot be opened, or is no URL of a Redis.
    """
    url = redis_server.address(plan.environment.redis or "", plan.project.root)
    try:
        clearing = Clearing(plan, url)
    except ValueError:
        raise errors.Refused(
            f"The secret that redis names in [environments.{plan.environment.name}] is no URL of a Redis, so nothing "
            "is cleared. Set it as redis:// or rediss://."
        ) from None
    with closing(clearing.client):
        yield clearing


def find(clearing: Clearing) -> Evidence:
    """Count the keys that are to be cleared, and look at what lies beside them; reads only.

    Raises:
        Refused: Redis does not let this login, is one node of a cluster, or another environment's keys begin alike.
        Unavailable: Redis does not answer.
    """
    _verify_own(clearing)
    with asking("to count the keys"):
        if int(clearing.client.info("cluster").get("cluster_enabled", 0)):
            raise errors.Refused(
                "This Redis is one node of a cluster, and the keys of the others would stay. Nothing was cleared; "
                "clear them with the provider's own tool."
            )
        clearing.found, clearing.beside = looked(clearing)
    if not clearing.due:
        said = f"No key begins with {clearing.plan.prefix}, so there is nothing to clear."
        return Evidence(ok=True, idle=True, summary=said)
    counts = {clearing.plan.prefix: clearing.found, **clearing.beside.counts}
    rows = tuple({"prefix": prefix, "keys": count} for prefix, count in counts.items())
    return Evidence(ok=True, summary=clearing.summary, rows=rows)


def looked(clearing: Clearing) -> tuple[int, Beside]:
    """Return how many keys begin with the prefix, and what lies beside them.

    Raises:
        RedisError: as Redis answers.
    """
    prefix, client = clearing.plan.prefix, clearing.client
    wanted = prefix.encode()
    known = {other for other in clearing.others.values() if other} | {
        clearing.plan.environment.redis_prefix or ""
    }
    lasting: dict[bytes, None] = {}
    for keys in redis_keys.batches(client):
        for key in keys:
            if len(lasting) < SAMPLE and not key.startswith(wanted) and client.ttl(key) == -1:
                lasting[key] = None
    counts = redis_keys.tally(client, (prefix, *known), most=None).keys
    return counts.pop(prefix), Beside(counts=counts, lasting=tuple(lasting))


@contextmanager
def asking(doing: str) -> Generator[None]:
    """Translate what Redis complains about in the block.

    Raises:
        Unavailable: it does not answer.
        Refused: it says no.
    """
    try:
        yield
    except redis_server.COMPLAINTS as error:
        found = redis_server.trouble(error, doing)
        passing = found.kind in ("redis-down", "redis-loading")
        kind = errors.Unavailable if passing else errors.Refused
        raise kind(f"{found.said} {found.todo}") from None


def _verify_own(clearing: Clearing) -> None:
    prefix = clearing.plan.prefix
    for name, theirs in clearing.others.items():
        if not theirs or theirs.startswith(prefix) or prefix.startswith(theirs):
            raise errors.Refused(
                f"The keys of {name} ({theirs or 'no prefix'}) lie in the same Redis and cannot be told from those "
                f"that begin with {prefix}. Nothing was cleared; give each environment a prefix of its own."
            )
