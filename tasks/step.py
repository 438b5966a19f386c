"""The one piece of machinery: a step and its evidence are one declaration.

    compare = step(restore.compare, title="Compare row counts of {source.name}", evidence="row-counts")

Inside a Prefect flow run a step is a task run; anywhere else it is a plain call of its operation, with the
same retries and the same judgement, and Prefect is not imported.
"""

from __future__ import annotations

import functools
import inspect
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from ops import errors, secrets
from ops.evidence import Evidence

if TYPE_CHECKING:
    from prefect.context import FlowRunContext

P = ParamSpec("P")
R = TypeVar("R", bound=Evidence)

DELAYS = (1, 5, 15)
Publish = Callable[[str, Evidence, str | None], None]


class Observer(Protocol):
    """Sees every attempt of every step, in both modes; what it is told is redacted."""

    def started(self, title: str) -> None: ...
    def finished(self, title: str, evidence: Evidence, seconds: float) -> None: ...
    def failed(self, title: str, error: Exception, seconds: float) -> None: ...


_observers: ContextVar[tuple[Observer, ...]] = ContextVar("observers", default=())


@contextmanager
def observing(observer: Observer) -> Generator[None]:
    """Tell `observer` of every step that runs inside the block."""
    token = _observers.set((*_observers.get(), observer))
    try:
        yield
    finally:
        _observers.reset(token)


class Runnable(Protocol):
    """What a task run runs: one call of a step, or several."""

    @property
    def title(self) -> str: ...
    @property
    def evidence(self) -> Evidence | None: ...
    @property
    def error(self) -> Exception | None: ...
    @property
    def may_retry(self) -> bool: ...
    def attempt(self, publish: Publish | None = None) -> None: ...


class Call(Generic[R]):
    """One call of a step: what it runs, and after an attempt what came of it."""

    def __init__(
        self,
        operation: Callable[[], R],
        *,
        title: str,
        key: str | None,
        retry: bool,
        shown: Callable[[R], str] | None = None,
    ) -> None:
        self.title = title
        self.key = key
        self.retry = retry
        self._shown = shown
        self.result: R | None = None
        self.error: Exception | None = None
        self._operation = operation

    @property
    def evidence(self) -> Evidence | None:
        """What the last attempt showed, whether it returned it or failed with it."""
        return self.error.evidence if isinstance(self.error, errors.OpsError) else self.result

    @property
    def may_retry(self) -> bool:
        return self.retry and isinstance(self.error, errors.Unavailable)

    @property
    def document(self) -> str | None:
        """What the last attempt returned, as Markdown, where the step says how."""
        return self._shown(self.result) if self._shown and self.result else None

    def attempt(self, publish: Publish | None = None) -> None:
        """Run the operation once, publish what it showed, and only then tell the observers."""
        self.result = self.error = None
        began = time.monotonic()
        self._tell("started", self.title)
        try:
            self.result = self._operation()
        except Exception as error:
            self.error = redacted(error)
        if publish and self.key and self.evidence:
            publish(self.key, self.evidence, self.document)
        seconds = time.monotonic() - began
        if self.error:
            self._tell("failed", self.title, self.error, seconds)
        else:
            self._tell("finished", self.title, self.evidence, seconds)

    def _tell(self, event: str, *facts: object) -> None:
        for observer in _observers.get():
            getattr(observer, event)(*facts)


class Step(Generic[P, R]):
    """An operation with its title, its evidence key and what its failure means; called like the operation."""

    def __init__(
        self,
        operation: Callable[P, R],
        *,
        title: str,
        evidence: str | None,
        stops: bool,
        retry: bool,
        shown: Callable[[R], str] | None,
    ) -> None:
        functools.update_wrapper(self, operation)
        self.operation = operation
        self.title = title
        self.evidence = evidence
        self.stops = stops
        self.retry = retry
        self.shown = shown

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the operation as a step.

        Raises:
            CheckFailed: it returned evidence that is not ok, and the step stops.
            OpsError: as the operation raised it; `Unavailable` only after the retries.
        """
        call = self.call(*args, **kwargs)
        if flow_run() is None:
            _run_plainly(call)
        else:
            from tasks import task_runs

            task_runs.run(call, name=self.name)
        return self.judged(call)

    @property
    def name(self) -> str:
        return getattr(self.operation, "__name__", "step")

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """Return the call with these arguments, for whoever runs it."""
        return Call(
            functools.partial(self.operation, *args, **kwargs),
            title=self.titled(self.title, *args, **kwargs),
            key=self.evidence,
            retry=self.retry,
            shown=self.shown,
        )

    def titled(self, template: str, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return a title with what a call with these arguments puts into it."""
        bound = inspect.signature(self.operation).bind(*args, **kwargs)
        bound.apply_defaults()
        return secrets.redact(template.format(**bound.arguments))

    def judged(self, call: Call[R]) -> R:
        """Return what a call that was run came to, or raise what it failed with."""
        if call.error:
            raise call.error
        evidence = call.evidence
        if self.stops and evidence and not evidence.ok:
            raise errors.CheckFailed(secrets.redact(evidence.summary), evidence)
        return call.result  # pyright: ignore[reportReturnType]  # without an error it is what was returned


def step(
    operation: Callable[P, R],
    *,
    title: str,
    evidence: str | None = None,
    stops: bool = True,
    retry: bool = True,
    shown: Callable[[R], str] | None = None,
) -> Step[P, R]:
    """Declare a step: `title` is formatted with the call's arguments, `evidence` is the artifact's key.

    With `stops=False` evidence that is not ok marks the step as failed, and is returned to the flow. `shown`
    makes the artifact's Markdown; without it an artifact is the table of the evidence's rows, or its facts.
    """
    return Step(operation, title=title, evidence=evidence, stops=stops, retry=retry, shown=shown)


def redacted(error: Exception) -> Exception:
    """Return `error`, or when its text holds a secret that no argument accounts for, a stand-in for it."""
    link: BaseException | None = error
    while link is not None:
        link.args = tuple(secrets.redact(part) if isinstance(part, str) else part for part in link.args)
        link = link.__cause__ or link.__context__
    text = str(error)
    if secrets.redact(text) == text:
        return error
    return errors.OpsError(f"{type(error).__name__}: {secrets.redact(text)}")


def flow_run() -> FlowRunContext | None:
    """Return the Prefect flow run that this is called in, if it is called in one."""
    # Whoever runs a flow in Prefect has imported this; nobody else should pay two seconds for it.
    module = sys.modules.get("prefect.context")
    return module.FlowRunContext.get() if module else None


def _run_plainly(call: Call[Any]) -> None:
    for delay in (*DELAYS, None):
        call.attempt()
        if delay is None or not call.may_retry:
            return
        time.sleep(delay)
