"""What the tests say to the questions of a night: rates, drops, p-values, and what a drop is at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops import eval_tests, eval_trend
from ops.eval_questions import Question
from ops.eval_tests import Counted

if TYPE_CHECKING:
    from ops.eval_tests import Floats

FIVE_POINTS = 0.05
# Of the records of two runs so many are the same ones when they are compared in pairs.
_SAME = 0.95


@dataclass(slots=True)
class Answer:
    """One answer: `limit` is what the drop is at most, `error` its standard error.

    `variance` is that of one sample, of which there are `samples`; `fixed` is what of the error more samples leave.
    """

    method: str
    rate: float | None
    low: float | None
    high: float | None
    reference: float | None
    reference_samples: int | None
    drop: float | None
    p: float | None
    limit: float | None
    error: float
    variance: float
    samples: int
    fixed: float


def find(questions: Sequence[Question]) -> list[Answer]:
    """Return the answers to these questions, in their order."""
    found: list[Answer | None] = [None] * len(questions)
    ways = {"floor": _floors, "baseline": _baselines, "trend": _trends}
    for kind, way in ways.items():
        places = [number for number, each in enumerate(questions) if each.against == kind]
        if places:
            asked = [questions[number] for number in places]
            for number, answer in zip(places, way(asked), strict=True):
                found[number] = answer
    return [answer for answer in found if answer is not None]


def _floors(asked: Sequence[Question]) -> list[Answer]:
    import numpy as np

    now = Counted.of(each.now for each in asked)
    floor = np.array([each.floor for each in asked], float)
    errored = np.array([each.errored for each in asked], float)
    p = eval_tests.below_floor(now, floor)
    # What a measure could not judge counts against: a rate holds only if it holds with those as failures.
    with_errored = Counted(now.n + errored, now.total, now.squares)
    z = eval_tests.limit_errors()
    low, _ = eval_tests.wilson(with_errored.rate, eval_tests.effective(with_errored), z=z)
    exact = now.binary | ~now.massive
    methods = np.where(exact, "binomial test", "t-test from sums").tolist()
    variance = now.likely_variance
    return _answers(
        asked,
        now,
        methods,
        reference=floor,
        sizes=None,
        drop=floor - now.rate,
        p=p,
        limit=floor - low,
        variance=variance,
        fixed=np.zeros(len(asked)),
    )


def _baselines(asked: Sequence[Question]) -> list[Answer]:
    import numpy as np

    now, before = (
        Counted.of(each.now for each in asked),
        Counted.of(each.before for each in asked),
    )
    able = np.array([bool(each.now.n and each.before.n) for each in asked])
    means = ~(now.binary & before.binary) & now.massive & before.massive
    methods = np.where(means, "Welch's t-test from sums", "Fisher's exact test").tolist()
    p = np.ones(len(asked))
    if able.any():
        p[able] = eval_tests.worse(_only(now, able), _only(before, able))
    for number, each in enumerate(asked):
        if _paired(each) and each.matched:
            _, gained, lost, _ = each.matched
            p[number], methods[number] = eval_tests.mcnemar(lost, gained), "McNemar's exact test"
    return _answers(
        asked,
        now,
        methods,
        reference=before.rate,
        sizes=before.n,
        drop=before.rate - now.rate,
        p=p,
        limit=eval_tests.drop_limit(now, before),
        variance=now.likely_variance,
        fixed=before.likely_variance / np.maximum(before.n, 1),
    )


def _trends(asked: Sequence[Question]) -> list[Answer]:
    import numpy as np

    shape = (len(asked), -1)
    whole = Counted.of(moments for each in asked for moments in each.runs)
    runs = Counted(whole.n.reshape(shape), whole.total.reshape(shape), whole.squares.reshape(shape))
    found = eval_trend.find(runs)
    now = Counted(runs.n[:, -1], runs.total[:, -1], runs.squares[:, -1])
    samples = runs.n.sum(1)
    answers = _answers(
        asked,
        now,
        ["Cochran-Armitage, conditional"] * len(asked),
        reference=found.first,
        sizes=samples - now.n,
        drop=found.drop,
        p=found.p,
        limit=found.limit,
        variance=found.error**2 * samples,
        fixed=np.zeros(len(asked)),
    )
    for answer, size, error in zip(answers, samples.tolist(), found.error.tolist(), strict=True):
        answer.samples, answer.error = int(size), error
    return answers


def _answers(
    asked: Sequence[Question],
    now: Counted,
    methods: Sequence[str],
    *,
    reference: Floats,
    sizes: Floats | None,
    drop: Floats,
    p: Floats,
    limit: Floats,
    variance: Floats,
    fixed: Floats,
) -> list[Answer]:
    import numpy as np

    low, high = eval_tests.wilson(now.rate, now.n)
    error = np.sqrt(variance / np.maximum(now.n, 1) + fixed)
    columns: list[list[Any]] = [
        list(each.tolist())
        for each in (now.rate, low, high, reference, drop, p, limit, error, variance, fixed)
    ]
    known = [None] * len(asked) if sizes is None else [int(each) for each in sizes.tolist()]
    return [
        _answer(each, methods[number], known[number], *(column[number] for column in columns))
        for number, each in enumerate(asked)
    ]


def _answer(
    question: Question,
    method: str,
    sizes: int | None,
    rate: float,
    low: float,
    high: float,
    reference: float,
    drop: float,
    p: float,
    limit: float,
    error: float,
    variance: float,
    fixed: float,
) -> Answer:
    """Return an answer without what cannot be known of a slice that has no samples."""
    here, there = question.now.n > 0, sizes is None or sizes > 0
    both, tested = here and there, question.testable
    return Answer(
        method=method if tested else "none",
        rate=rate if here else None,
        low=low if here else None,
        high=high if here else None,
        reference=reference if there else None,
        reference_samples=sizes,
        drop=drop if both else None,
        p=p if both and tested else None,
        limit=limit if both else None,
        error=error,
        variance=variance,
        samples=question.now.n,
        fixed=fixed,
    )


def _paired(question: Question) -> bool:
    """Whether both runs scored the same records, and each as a yes or a no."""
    if question.matched is None or not (question.now.binary and question.before.binary):
        return False
    most = max(question.now.n, question.before.n)
    return sum(question.matched) >= _SAME * most > 0


def _only(counted: Counted, where: Any) -> Counted:
    return Counted(counted.n[where], counted.total[where], counted.squares[where])
