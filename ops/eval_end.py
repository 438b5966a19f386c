"""The end of a night of evaluation: the verdict in its bundle, and word to people when it failed."""

from __future__ import annotations

from datetime import timedelta

import httpx

from ops import errors, eval_gate, secrets, telling
from ops.eval_night import Night
from ops.evals import Evaluated, Export, Verdict

RESULT = "nightly-eval.json"
_TOLD_WITHIN = timedelta(seconds=10)


def hand_off(night: Night) -> Evaluated:
    """Write the verdict into the bundle, tell people of a failure, and the dead-man's URL that the night ran."""
    judged = night.judged
    verdict: Verdict = judged.verdict if judged else "inconclusive"
    said = judged.summary if judged else "It was not judged."
    result = _result(night, verdict, f"{said}{_left(night.export)}")
    return _concluded(night, result, ran=True)


def hand_off_broken(night: Night, error: errors.OpsError) -> Evaluated:
    """Hand off a night that could not be taken to its end: nobody knows then how good the records are."""
    result = _result(night, "inconclusive", f"the night broke off: {error} Mend that, and run it again.")
    return _concluded(night, result.model_copy(update={"ok": False}), ran=False)


def _result(night: Night, verdict: Verdict, said: str) -> Evaluated:
    plan = night.plan
    return Evaluated(
        ok=verdict != "fail",
        summary=f"{plan.project.name} on {plan.environment.name}: {said}",
        rows=night.judged.rows if night.judged else (),
        verdict=verdict,
        run_id=night.ingested.run_id if night.ingested else None,
        records=night.export.records if night.export else 0,
        window=night.export.window if night.export else None,
        bundle=str(night.bundle.path) if night.bundle else None,
    )


def _concluded(night: Night, result: Evaluated, *, ran: bool) -> Evaluated:
    told = (*(_tell(night, result) if not result.ok else ()), *(_ping(night) if ran else ()))
    result = result.model_copy(update={"told": told})
    if night.bundle:
        night.bundle.write_json(RESULT, result.model_dump(mode="json", exclude={"rows", "idle"}))
        night.bundle.seal()
    if ran:
        # Last, so that a night that dies before this is judged again, and people are told.
        eval_gate.conclude(night)
    night.concluded = result
    return result


def _left(export: Export | None) -> str:
    if export is None or not export.left:
        return ""
    return (
        f" THE LIMIT WAS REACHED: {export.left:,} records of the window were left out; give a larger `limit`."
    )


def _tell(night: Night, result: Evaluated) -> tuple[str, ...]:
    text = f"EVALUATION: {result.summary}" + (f"\nEvidence: {result.bundle}" if result.bundle else "")
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return telling.tell(night.plan.project, night.plan.environment, secrets.redact(escaped)).said


def _ping(night: Night) -> tuple[str, ...]:
    """Call the URL that would raise an alarm if nobody called it; that it cannot be called is only said."""
    named = night.plan.source.ping
    if named is None:
        return ()
    try:
        answer = httpx.get(secrets.open_secret(named), timeout=_TOLD_WITHIN.total_seconds())
        answer.raise_for_status()
    except errors.OpsError as error:
        return (f"The dead-man's URL was not called: {error}",)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return (
            f"The dead-man's URL did not answer well ({type(error).__name__}), so it may raise an alarm.",
        )
    return ("The dead-man's URL was called.",)
