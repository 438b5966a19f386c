"""The verdict on each question of a night: fail, pass, or inconclusive with how many samples would decide.

Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ops import eval_answers, eval_questions, eval_tests
from ops.eval_answers import Answer
from ops.eval_questions import Question
from ops.eval_settings import EvalGate
from ops.evals import Comparison, Verdict

_ORDER = {"fail": 0, "inconclusive": 1, "pass": 2}


def judge(questions: Sequence[Question], gate: EvalGate) -> list[Comparison]:
    """Return the verdicts, the failed ones first; all tests of the night together err in `alpha` of the nights.

    A drop fails where it is significant after Holm's correction and matters; a rate below a floor, where that is
    significant. It passes where the drop is at most what does not matter.
    """
    if not questions:
        return []
    answers = eval_answers.find(questions)
    adjusted, critical = _corrected(questions, answers, gate)
    found = [
        _compared(question, answer, gate, p, bar)
        for question, answer, p, bar in zip(questions, answers, adjusted, critical, strict=True)
    ]
    return sorted(found, key=_rank)


def reaches(drop: float, minimum: float) -> bool:
    """Whether a drop is as large as that; rates of whole samples are not exact in binary."""
    return drop >= minimum - 1e-9


def _corrected(
    questions: Sequence[Question], answers: Sequence[Answer], gate: EvalGate
) -> tuple[list[float | None], list[float]]:
    """Return each p after the correction, and how many standard errors a drop needs to be significant."""
    import numpy as np

    tested = [number for number, answer in enumerate(answers) if answer.p is not None]
    parts = np.array(eval_questions.weights(questions))
    adjusted: list[float | None] = [None] * len(questions)
    if tested:
        parts[tested] = eval_questions.weights([questions[number] for number in tested])
        p = np.array([answers[number].p for number in tested], float)
        for number, value in zip(tested, eval_tests.holm(p, parts[tested]).tolist(), strict=True):
            adjusted[number] = value
    whole = parts[tested].sum() if tested else parts.sum()
    bars = eval_tests.quantile(1 - np.minimum(gate.alpha * parts / whole, 0.5))
    return adjusted, bars.tolist()


def _compared(
    question: Question, answer: Answer, gate: EvalGate, adjusted: float | None, critical: float
) -> Comparison:
    verdict = _verdict(question, answer, gate, adjusted)
    needed = None if verdict != "inconclusive" else _needed(question, answer, gate, critical)
    return Comparison(
        where=question.where,
        measure=question.measure,
        against=question.against,
        method=answer.method,
        verdict=verdict,
        samples=question.now.n,
        rate=answer.rate,
        low=answer.low,
        high=answer.high,
        reference=answer.reference,
        reference_samples=answer.reference_samples,
        drop=answer.drop,
        p=answer.p,
        p_adjusted=adjusted,
        power=_power(answer, critical),
        needed=needed,
        said=_said(question, answer, gate, verdict, needed),
    )


def _verdict(question: Question, answer: Answer, gate: EvalGate, adjusted: float | None) -> Verdict:
    if adjusted is None or answer.drop is None or answer.limit is None:
        return "inconclusive"
    matters = reaches(answer.drop, _tolerated(question, gate))
    if adjusted <= gate.alpha and matters:
        return "fail"
    return "pass" if answer.limit < _tolerated(question, gate) else "inconclusive"


def _tolerated(question: Question, gate: EvalGate) -> float:
    """Return what drop does not matter: none below a floor."""
    return 0.0 if question.against == "floor" else gate.minimum_effect


def _needed(question: Question, answer: Answer, gate: EvalGate, critical: float) -> int | None:
    """Return how many further samples would decide, if the rates stay as they are; none where no number would."""
    if not question.testable or answer.drop is None:
        short = gate.least_samples - question.now.n
        return short if short > 0 else None
    tolerated = _tolerated(question, gate)
    if answer.drop > 0 and reaches(answer.drop, tolerated):
        target = answer.drop / critical
    else:
        target = (tolerated - answer.drop) / eval_tests.limit_errors()
    room = target**2 - answer.fixed
    if target <= 0 or room <= 0:
        return None
    return max(1, math.ceil(answer.variance / room) - answer.samples)


def _power(answer: Answer, critical: float) -> float | None:
    if answer.p is None or not answer.error:
        return None
    return eval_tests.power(eval_answers.FIVE_POINTS, error=answer.error, critical=critical)


def _said(question: Question, answer: Answer, gate: EvalGate, verdict: Verdict, needed: int | None) -> str:
    """Return one sentence on a verdict, without naming slice and measure."""
    if answer.rate is None:
        return f"no data; there were {answer.reference_samples:,}" if answer.reference_samples else "no data"
    if answer.drop is None or answer.limit is None:
        return f"new: {question.now.n:,} samples, and none before to compare with"
    if not question.testable:
        return _untested(question, gate)
    beside = {
        "floor": f"the floor of {_percent(answer.reference)}",
        "baseline": f"{_percent(answer.reference)} of the baseline",
        "trend": f"{_percent(answer.reference)} of {len(question.runs) - 1} runs ago",
    }[question.against]
    what = f"{_percent(answer.rate)} of {question.now.n:,}, {_points(answer.drop)} {beside}"
    if verdict != "inconclusive":
        return what
    more = f"{needed:,} further samples would decide" if needed else "more samples would not decide"
    return f"{what}, {_at_most(answer.limit)}; {more}"


def _untested(question: Question, gate: EvalGate) -> str:
    least = gate.least_samples
    if question.now.n < least:
        return f"{question.now.n:,} samples, of which at least {least} are needed"
    if question.before.n < least:
        return f"the baseline has {question.before.n:,} samples, of which at least {least} are needed"
    return "the baseline was measured in another way"


def _points(drop: float) -> str:
    return f"{abs(drop) * 100:.1f} points {'below' if drop >= 0 else 'above'}"


def _at_most(limit: float) -> str:
    return f"and may be {limit * 100:.1f} below" if limit > 0 else "and is not below"


def _percent(value: float | None) -> str:
    return "nothing" if value is None else f"{value * 100:.1f} %"


def _rank(each: Comparison) -> tuple[int, float, int, float]:
    """Return the place in a list: failed first, then what is worst; the order is the same each time."""
    return (
        _ORDER[each.verdict],
        each.p_adjusted if each.p_adjusted is not None else 2.0,
        len(each.where),
        -(each.drop or 0.0),
    )
