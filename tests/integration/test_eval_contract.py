"""The tables of evaluation are there as they are needed, or the message has what mends them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ops import errors, eval_contract
from ops.eval_night import Night
from ops.eval_settings import Eval
from tests import fix_app
from tests.fix_eval_tables import sample

Nights = Callable[..., Night]

# What is broken, what is said of it; the statement behind "run:" mends it.
BREAKS = {
    "alter table public.ai_eval_runs drop column tallies": "no column tallies (jsonb)",
    "alter table public.ai_eval_runs alter column window_end type timestamp": "window_end is timestamp without time",
    "alter table public.ai_eval_runs drop constraint ai_eval_runs_run_key_key": "no unique key of run_key",
    "alter table public.ai_eval_runs alter column id drop identity": "makes no numbers for id",
    'alter table public.ai_eval_samples add "Our own" text not null': 'samples."Our own" must have a value',
    "alter table public.ai_eval_samples drop constraint ai_eval_samples_pkey": "no unique key of measure_version",
    "alter table public.ai_eval_samples disable row level security": "ai_eval_samples has no row level security",
    "alter table public.ai_training_examples disable row level security": "examples has no row level security",
    "alter view public.ai_eval_run_summary_v1 set (security_invoker = false)": "shows anon and authenticated what row",
}


def test_what_the_migration_made_is_what_is_needed(nights: Nights):
    found = eval_contract.check(nights([sample(1)]))
    assert (found.ok, found.idle) == (True, False)
    assert found.summary == (
        "public.ai_eval_runs, public.ai_eval_samples, public.ai_eval_run_summary_v1 are there, behind row level "
        "security, and postgres may write them; the records of public.ai_training_examples are behind it too."
    )
    assert [row["row level security"] for row in found.rows] == [True] * 4


def test_what_is_missing_is_named_and_what_mends_it_does(nights: Nights, storefront: str):
    one = nights([])
    for broken, said in BREAKS.items():
        fix_app.execute(storefront, broken)
        with pytest.raises(errors.Refused, match=re.escape(said)) as refused:
            eval_contract.check(one)
        assert refused.value.evidence
        mend = str(refused.value).partition("Let their owner run: ")[2]
        fix_app.execute(storefront, mend)
        assert eval_contract.check(one).ok, f"{broken} is mended by {mend!r}"


@pytest.mark.parametrize(
    ("kind", "name"), [("view", "run_summary_v1"), ("table", "samples"), ("table", "runs")]
)
def test_what_is_not_there_is_made_by_the_migration(nights: Nights, storefront: str, kind: str, name: str):
    fix_app.execute(storefront, f"drop {kind} public.ai_eval_{name} cascade")
    said = rf"there is no {kind} public.ai_eval_{name}.* so that nothing can be ingested. Apply the migration"
    with pytest.raises(errors.Refused, match=said):
        eval_contract.check(nights([]))


def test_records_of_files_need_no_table(nights: Nights, storefront: str):
    fix_app.execute(storefront, "drop table public.ai_training_examples cascade")
    one = nights([])
    with pytest.raises(errors.Refused, match=r"no table public\.ai_training_examples"):
        eval_contract.check(one)
    source = one.plan.source.model_copy(update={"kind": "file"})
    one.plan = one.plan.model_copy(update={"source": source})
    assert eval_contract.check(one).summary.endswith("there is no public.ai_training_examples here.")


def test_a_login_that_may_not_write_is_refused(nights: Nights, storefront: str):
    person = storefront.replace("postgres@", "authenticator@", 1)
    assert person != storefront
    with pytest.raises(errors.Refused) as refused:
        eval_contract.check(nights([], person))
    said = str(refused.value)
    assert "row level security hides rows of public.ai_eval_runs from authenticator" in said
    assert "authenticator may not select, insert, update public.ai_eval_runs" in said


def test_paused_writes_are_seen(nights: Nights, storefront: str):
    name = fix_app.ask(storefront, "select current_database()")[0][0]
    fix_app.execute(storefront, f"alter database {name} set default_transaction_read_only = on")
    with pytest.raises(errors.Refused, match="this database takes no writes"):
        eval_contract.check(nights([]))


def test_an_environment_without_a_database_writes_files_only(nights: Nights):
    found = eval_contract.check(nights([], None))
    assert (found.ok, found.idle) == (True, True)
    assert found.summary.startswith("production has no database")


@pytest.mark.parametrize("name", ["", ".runs", "public.", 'public."runs"', "a.b.c", "x" * 64, "public.a\0b"])
def test_a_name_that_is_none_is_refused(nights: Nights, name: str):
    with pytest.raises(errors.Refused, match=r"eval\.runs: .* is no name of a table"):
        eval_contract.check(nights([], settings=Eval(runs=name)))


def test_names_are_quoted(nights: Nights, storefront: str):
    fix_app.execute(storefront, 'alter table public.ai_eval_runs rename to "Runs; drop"')
    fix_app.execute(storefront, 'alter table public."Runs; drop" drop column records')
    one = nights([], settings=Eval(runs="public.Runs; drop"))
    with pytest.raises(errors.Refused, match=r'public\."Runs; drop" has no column records') as refused:
        eval_contract.check(one)
    fix_app.execute(storefront, str(refused.value).partition("run: ")[2])
    assert eval_contract.check(one).ok
