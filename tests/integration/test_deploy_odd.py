"""What a deploy gate makes of evidence that says less than it seems to."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ops import deploy_steps, errors, required
from ops.checklists import ToDo
from ops.deploy_choices import Part, Phase
from ops.deploy_verdict import Commit
from ops.deploys import Deploy
from ops.evidence import Evidence
from tasks import recording
from tests import fix_app


def test_growth_of_no_table_is_not_checked(shaped: str, tmp_path: Path):
    gate = fix_app.gate(fix_app.write(tmp_path, shaped), Part.GROWTH, phase=Phase.POST)
    gate.baseline = {"counts": {}}
    try:
        assert deploy_steps.prove_growth(gate).status == "not checked"
    finally:
        gate.close()


def test_a_checklist_that_is_confirmed_for_one_commit_is_not_for_another(tmp_path: Path):
    plan = fix_app.gate(fix_app.write(tmp_path, "postgresql://h/d"), phase=Phase.POST).plan
    asked = [
        ToDo(plan, "Go through it", ("Look.",), commit).proposal("checklist")
        for commit in ("a" * 40, "b" * 40)
    ]
    assert asked[0].plan_digest != asked[1].plan_digest
    assert asked[0].commit == "a" * 40


@pytest.mark.parametrize(("deployed", "said"), [("a" * 7, 0), ("a" * 40, 0), ("b" * 40, 1)])
def test_a_short_hash_is_the_commit_that_it_begins(tmp_path: Path, deployed: str, said: int):
    gate = fix_app.gate(fix_app.write(tmp_path, "postgresql://h/d"), phase=Phase.POST)
    gate.commit = Commit(hash=deployed)
    pre = {"verdict": "passed", "commit": {"hash": "a" * 40}}
    gate.record = Deploy(environment="e", deploy="d1", project="app", began_at=gate.started, pre=pre)
    summary = required.conclude(gate).summary
    assert summary.count("what was tested is not what runs") == said


def test_a_broken_hand_off_does_not_hide_what_ended_the_run(tmp_path: Path):
    def broken(_: object, __: errors.OpsError) -> Evidence:
        raise errors.Unavailable("The disk is full.")

    gate = fix_app.gate(fix_app.write(tmp_path, "postgresql://h/d"))

    with (
        pytest.raises(errors.Refused, match="It was refused"),
        recording.recorded(lambda _: closing(gate), kind="deploy-gate", out=tmp_path, broken=broken),
    ):
        raise errors.Refused("It was refused.")
