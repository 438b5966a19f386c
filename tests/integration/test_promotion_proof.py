"""What proves a promotion: each proof is broken, seen, mended, and holds again, without asking anybody twice."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import psycopg
import pytest

from ops import database, errors, marker, promotion_proof
from ops.promotion_result import Promotion
from tests import fix_gate, fix_http, fix_repository
from tests.releases import OVERLAY, Shop


@pytest.fixture
def shop(tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)


def check(found: Promotion, name: str) -> tuple[bool | None, str]:
    return next((each.ok, each.summary) for each in found.checks if each.name == name)


def test_a_release_gate_that_is_not_met_leaves_the_plan_open_until_it_is(shop: Shop):
    shop.edit(OVERLAY, "select 1;\n")
    shop.rehearse()
    found = shop.promote()
    assert (found.state, found.verdict) == ("not proven", "failed")
    assert check(found, "release gates")[0] is False
    shop.ask("insert into public.settings (name, environment, value) values ('weight', 'prod', 1)")
    again = shop.promote("nobody is asked")
    assert (again.state, shop.asked) == ("promoted", [])


def test_an_overlay_of_another_environment_is_not_proven(shop: Shop):
    other = "db/releases/20260104000100_settings_staging.sql"
    (shop.root / other).write_text("select 2;\n")
    text = (shop.root / "runbooks.toml").read_text()
    (shop.root / "runbooks.toml").write_text(f'{text}\n[environments.staging]\noverlays = ["{other}"]\n')
    shop.rehearse()
    shop.promote()
    shop.ask(
        "insert into runbooks.journal (version, file, action, sha256, run)"
        f" values ('overlay {other}', '{other}', 'apply', 'x', 'somebody')"
    )
    shop.edit(OVERLAY, "update public.settings set value = 2 where name = 'weight';\n")
    shop.rehearse()
    found = shop.promote()
    assert found.state == "not proven"
    assert (
        f"Overlays of other environments are in place: {other} (of staging)"
        in check(found, "release gates")[1]
    )


STAGINGS = "db/staging/20260104000100_settings.sql"


@pytest.fixture
def both(shop: Shop) -> Shop:
    """Its database has its own overlay, and that of staging, which was applied by mistake."""
    path = shop.root / "runbooks.toml"
    text = path.read_text()
    path.write_text(
        f'{text}\n[environments.staging]\ndatabase = "env:PRODUCTION_URL"\noverlays = ["db/staging/*.sql"]\n'
        "[environments.staging.promotion]\nrequire_merged = false\nrequire_gate = false\n"
    )
    (shop.root / "db/staging").mkdir()
    (shop.root / STAGINGS).write_text("select 2;\n")
    shop.rehearse()
    assert shop.promote().state == "promoted"
    shop.rehearse(overlay="staging")
    with shop.terminal("approve", "ada", ""):
        shop.run(environment="staging")
    path.write_text(text)
    return shop


@pytest.mark.parametrize("recorded", [True, False], ids=["by the journal", "by the plan of then"])
def test_an_overlay_of_another_environment_is_found_when_its_file_is_gone(both: Shop, recorded: bool):
    (both.root / STAGINGS).unlink()
    if not recorded:
        both.ask("update runbooks.journal set details = details - 'environment'")
    again(both)
    found = both.promote()
    said = f"Overlays of other environments are in place: {STAGINGS} (of staging)."
    assert (found.state, said in check(found, "release gates")[1]) == ("not proven", True), found.summary


def test_an_overlay_of_another_environment_is_found_by_its_bytes_when_its_file_was_renamed(both: Shop):
    both.ask("update runbooks.journal set details = details - 'environment'")
    both.ask("delete from runbooks.promotions where environment = 'staging'")
    (both.root / STAGINGS).rename(both.root / "db/staging/20260104000200_mood.sql")
    path = both.root / "runbooks.toml"
    path.write_text(f'{path.read_text()}\n[environments.staging]\noverlays = ["db/staging/*.sql"]\n')
    again(both)
    assert f"{STAGINGS} (of staging)" in check(both.promote(), "release gates")[1]


def test_an_overlay_of_which_nothing_says_whose_it_is_is_a_finding(both: Shop):
    both.ask("update runbooks.journal set details = details - 'environment'")
    both.ask("delete from runbooks.promotions where environment = 'staging'")
    (both.root / STAGINGS).unlink()
    again(both)
    found = both.promote()
    assert found.state == "promoted", found.summary
    assert any(f"The overlay {STAGINGS} is in place, and neither" in each for each in found.findings)


def test_an_overlay_that_this_environment_had_before_is_its_own(shop: Shop):
    shop.rehearse()
    shop.promote()
    (shop.root / OVERLAY).rename(shop.root / "db/releases/20260105000000_weight_prod.sql")
    shop.rehearse()
    found = shop.promote()
    assert found.state == "promoted", found.summary
    assert found.findings == ()


def again(shop: Shop) -> None:
    """Let there be something to promote."""
    shop.edit(OVERLAY, "update public.settings set value = 2 where name = 'weight';\n")
    shop.rehearse()


def test_what_had_drifted_before_is_listed_apart_and_is_no_failure(shop: Shop):
    shop.rehearse()
    shop.promote()
    shop.ask("alter table public.tags alter column label set default 'mine'")
    shop.add(
        "20260301000000_label",
        "alter table public.tags alter column label set default 'ours';\n",
        "alter table public.tags alter column label drop default;\n",
    )
    shop.add(
        "20260302000000_more",
        "alter table public.tags add column more int;\n",
        "alter table public.tags drop column more;\n",
    )
    shop.rehearse()
    shop.ask("alter table public.notes add column stray int")
    found = shop.promote()
    assert found.state == "promoted", found.summary
    assert found.differences == ()


def test_an_object_that_no_rehearsed_file_touches_and_that_changes_all_the_same_is_wrong(shop: Shop):
    shop.rehearse()
    shop.ask(
        "create function public.meddle() returns event_trigger language plpgsql security definer as $$ begin"
        " if to_regclass('public.tags') is not null and to_regclass('public.stray') is null then"
        " create table public.stray (id int); end if; end $$"
    )
    shop.admin(
        "create event trigger meddle on ddl_command_end when tag in ('ALTER TABLE')"
        " execute function public.meddle()"
    )
    found = shop.promote()
    assert found.state == "not proven"
    assert "public.stray" in {each.object for each in found.differences}


def test_differences_are_told_from_drift_by_what_the_rehearsal_began_on():
    key, other, stray = ("table", "a"), ("table", "b"), ("table", "c")
    wrong, drift, others = promotion_proof.differing(
        {other: "drifted"}, {other: "drifted", stray: "new"}, {key: (None, "made"), other: ("was", "made")}
    )
    assert wrong == {key: ("made", None), stray: (None, "new")}
    assert drift == {other: ("made", "drifted")}
    assert others == {stray}


@pytest.mark.parametrize(
    ("was", "found", "end", "whose"),
    [
        ("text default 'mine'", "text default 'mine'", "int", "drift"),
        ("text default 'mine'", "int default 'mine'", "int not null", "drift"),
        ("text default 'mine'", "int", "int not null", "drift"),
        ("text default 'mine'", "int default 'theirs'", "int not null", "others"),
        ("text default 'mine'", "text default 'theirs'", "int", "others"),
        ("text default 'mine'", None, "int", "others"),
        ("text default 'mine'", "text", None, "others"),
        (None, "int default 'theirs'", "int not null", "others"),
    ],
)
def test_a_drifted_object_that_others_change_during_the_act_is_no_old_drift(
    was: str | None, found: str | None, end: str | None, whose: str
):
    key = ("column", "a")
    wrong, drift, others = promotion_proof.differing(
        {key: was} if was else {}, {key: found} if found else {}, {key: ("text", end)}
    )
    told = {key: (end, found)}
    assert (wrong, drift, others) == ((told, {}, {key}) if whose == "others" else ({}, told, set()))


LONGER = "20260301000000_longer"


@pytest.fixture
def drifted(shop: Shop) -> Shop:
    """Its next file makes a column longer, whose default was given to it by others before."""
    shop.rehearse()
    shop.promote()
    shop.add(
        LONGER,
        "alter table public.tags alter column label type varchar(90);\n",
        "alter table public.tags alter column label type text;\n",
    )
    shop.rehearse()
    shop.ask("alter table public.tags alter column label set default 'mine'")
    return shop


def test_a_drifted_object_that_a_file_changes_as_rehearsed_is_drift_from_before(drifted: Shop):
    found = drifted.promote()
    assert found.state == "promoted", found.summary
    assert [each.object for each in found.drift] == ["public.tags.label"]


def test_a_drifted_object_that_others_change_while_a_file_changes_it_too_is_named(drifted: Shop):
    drifted.ask(
        "create function public.meddle() returns event_trigger language plpgsql as $$ begin"
        " if current_query() ~ 'varchar' and (select column_default !~ 'theirs'"
        " from information_schema.columns where table_name = 'tags' and column_name = 'label') then"
        " alter table public.tags alter column label set default 'theirs'; end if; end $$"
    )
    drifted.admin(
        "create event trigger meddle on ddl_command_end when tag in ('ALTER TABLE')"
        " execute function public.meddle()"
    )
    found = drifted.promote()
    assert found.state == "not proven", found.summary
    assert "Changed by others meanwhile: column public.tags.label." in check(found, "schema change")[1]
    assert found.drift == ()


def test_an_app_that_does_not_answer_is_not_proven_until_it_does(shop: Shop):
    class App(BaseHTTPRequestHandler):
        status = 503

        def do_GET(self) -> None:
            self.send_response(App.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with fix_http.serving(App) as address:
        shop.configure(f'health_url = "{address}"\nstartup = {{ within = "PT0S" }}')
        shop.rehearse()
        found = shop.promote()
        ok, said = check(found, "app")
        assert (found.state, ok) == ("not proven", False)
        assert "the health URL answers" in said
        App.status = 200
        assert shop.promote("nobody is asked").state == "promoted"


def test_the_app_has_started_when_its_query_says_so(shop: Shop):
    shop.configure(
        'startup = { query = "select from public.notes where body = \'started\'", within = "PT0S" }'
    )
    shop.rehearse()
    assert "the app has not started since" in check(shop.promote(), "app")[1]
    shop.ask("update public.notes set body = 'started' where id = 1")
    assert check(shop.promote(), "app")[0] is True


def test_the_schema_guard_holds_the_app_against_what_was_promoted(shop: Shop):
    text = (shop.root / "runbooks.toml").read_text()
    (shop.root / "runbooks.toml").write_text(f'{text}\n[schema_guard]\ntable = "bot_config"\n')
    shop.add(
        "20260301000000_bot_config",
        "create table public.bot_config (config_key text primary key, config_value jsonb not null);\n"
        "alter table public.bot_config enable row level security;\n"
        'create policy "nobody" on public.bot_config for select using (false);\n'
        "insert into public.bot_config values ('schema_version', '{\"version\": \"1.1.0\"}');\n",
        "drop table public.bot_config;\n",
    )
    shop.rehearse()
    found = shop.promote(app_version="1.2.0")
    assert (found.state, check(found, "schema guard")[0]) == ("not proven", False)
    assert shop.promote(app_version="1.1.0").state == "promoted"


def test_a_watch_that_passed_is_kept_for_the_next_pass(shop: Shop):
    shop.configure('startup = { query = "select where false", within = "PT0S" }')
    shop.rehearse()
    assert check(shop.promote(), "watch")[0] is True
    kept = "select kept ? 'watched' from runbooks.promotions"
    assert shop.ask(kept) == [(True,)]


def test_a_database_that_says_that_it_is_another_environment_is_refused(shop: Shop):
    shop.rehearse()
    with database.connect(shop.admin_dsn) as connection:
        marker.write(connection, "staging", rehearse=True)
    with pytest.raises(errors.Refused, match="says that it is 'staging'"):
        shop.promote()


def test_the_release_note_is_committed_and_the_stakeholders_are_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    told: list[str] = []
    with fix_gate.webhook(told) as address:
        monkeypatch.setenv("STAKEHOLDERS", address)
        shop.configure(
            release='notes = "docs/releases"\nnotes_branch = "releases"\nstakeholders = "env:STAKEHOLDERS"'
        )
        shop.rehearse()
        found = shop.promote()
    assert found.state == "promoted"
    (name,) = fix_repository.git(
        shop.root, "ls-tree", "-r", "--name-only", "releases", "docs/releases"
    ).splitlines()
    note = fix_repository.git(shop.root, "show", f"releases:{name}")
    for field in (
        "Rollout timestamp",
        "Operator",
        "Staging start/end",
        "Prod start/end",
        "Rollback test result",
    ):
        assert field in note
    assert "one weight" in note
    assert any("promoted" in each for each in told)


def test_the_record_is_one_row_and_the_lock_is_let_go(shop: Shop):
    shop.rehearse()
    shop.promote()
    with psycopg.connect(shop.dsn) as connection:
        assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (
            0,
        )
        assert connection.execute("select count(*) from runbooks.promotions").fetchone() == (1,)
