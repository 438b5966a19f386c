"""Runs that last until they are let go, and runs that wait for somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from prefect import flow
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput

from tests.polling import wait_until


class Answer(RunInput):
    """What is asked."""

    decision: Literal["approve", "reject"]


@flow(name="lasting", flow_run_name="Last until {file}")
def lasting(file: str) -> None:
    """Say that it has begun, and last until the file is there."""
    with Path(f"{file}.begun").open("a", encoding="utf-8") as begun:
        begun.write("begun\n")
    wait_until(Path(file).exists, seconds=240, pause=0.3)


@flow(name="asking", flow_run_name="Ask about {file}")
def asking(file: str) -> None:
    """Wait for an answer, and say that there was one."""
    answer = suspend_flow_run(wait_for_input=Answer, key="asked")
    with Path(file).open("a", encoding="utf-8") as written:
        written.write(f"{answer.decision}\n")
