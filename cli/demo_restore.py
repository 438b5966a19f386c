"""`runbooks demo-restore`: a table is dropped at a known second, and comes back from a real backup.

Everything is real: a cluster that archives its WAL, traffic on it, a base backup, a Prefect server and worker, and the
drill through its deployment.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from types import FrameType
from typing import Any, NoReturn

from prefect.client.schemas.objects import FlowRun

from cli import demo_production
from cli.demo_production import Dropped, Production
from cli.screen import Screen
from deployments import runs, stack
from deployments.stack import Stack
from ops import bundle, redaction, reference
from ops.drill_end import RESULT
from ops.evidence import Evidence
from ops.verdict import Verdict

DEPLOYMENT = "restore-drill/production"
_TRADING = 2.0


def demo_restore() -> int:
    """Show a restore to just before a table was dropped, and stop everything again; 0: it all came back."""
    redaction.install()
    signal.signal(signal.SIGTERM, _leave)
    try:
        with demo_production.running() as production, stack.running(tell=_say) as running:
            return _shown(production, running)
    except KeyboardInterrupt:
        _say("\nStopped.")
        return 128 + signal.SIGINT


def _shown(production: Production, running: Stack) -> int:
    _say(
        "\n1. A small production: 500 customers, 5,000 orders and payments, and both coming in all the time."
    )
    with production.traffic():
        time.sleep(_TRADING)
        _say(
            "2. A base backup is made meanwhile, and a reference: what the tables hold at one place in the WAL."
        )
        production.back_up()
        reference.keep(production.project, "production", reference.take(production.dsn))
        time.sleep(_TRADING)
        _say("3. Somebody drops the table `orders`. The payments go on.")
        lost = production.drop_orders()
        time.sleep(_TRADING)
    production.archive()
    ((paid,),) = production.ask("select count(*) from public.payments")
    _say(f"   Until {lost.at} there were {lost.orders:,} orders and {lost.payments:,} payments.\n")
    _say(
        "4. The drill: restore the backup to just before that, through the deployment restore-drill/production.\n"
    )
    found = _drill(production, running, lost.at)
    return Verdict.UNAVAILABLE.exit_code if found is None else _compared(found, lost, int(str(paid)))


def _drill(production: Production, running: Stack, at: str) -> dict[str, Any] | None:
    parameters = {"project": str(production.project), "choices": {"target": at}}
    run = runs.trigger(running, DEPLOYMENT, parameters)
    screen = Screen(telling=True)
    ended = run
    for seen in runs.follow(running, run.id):
        if isinstance(seen, FlowRun):
            ended = seen
        elif seen.ok is not None:
            screen.finished(seen.title, Evidence(ok=seen.ok, summary=seen.summary), seen.seconds)
    folder = bundle.of_run(production.project, str(run.id))
    path = folder / RESULT if folder else None
    if path is None or not path.is_file():
        said = f"{ended.state.name}: {ended.state.message}" if ended.state else "it never started"
        _say(f"\nThe drill left no result. {said}")
        return None
    return json.loads(path.read_text("utf-8"))


def _compared(found: dict[str, Any], lost: Dropped, paid: int) -> int:
    """Show the lost and the saved, and say whether just that came back which should."""
    orders, payments = (found["counts"].get(f"public.{name}") for name in ("orders", "payments"))
    _say(f"\n{found['summary']}\n")
    _say(f"Saved   {orders or 0:>7,} orders of {lost.orders:,}, and {payments or 0:,} payments.")
    _say(
        f"Lost    {paid - lost.payments:>7,} payments that were made after the table was dropped: they are newer."
    )
    _say(measured(found))
    same = (orders, payments) == (lost.orders, lost.payments)
    if not same:
        _say("The restored rows are not those of that moment.")
    return 0 if found["verdict"] == "passed" and same else 1


def measured(found: dict[str, Any]) -> str:
    """Say what a drill measured: what it took is an RTO only where it was written to the disk, and may be unknown."""
    took, rpo = found["took"], found["rpo"]
    name = "RTO " if found["rto"] is not None else "Took"
    time = f"{took:>7.2f} s" if took is not None else "not known"
    lost = f"{rpo:.2f} s" if rpo is not None else "not known"
    why = " (no RTO: fsync was off)" if took is not None and found["rto"] is None else ""
    return f"{name}    {time}{why}   RPO {lost}"


def _say(line: str) -> None:
    print(line, flush=True)


def _leave(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)
