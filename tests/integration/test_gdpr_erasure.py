"""A person erased from a real database: all of theirs, nothing of others', and nothing half."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import embedded, erasure_record, erasure_search, errors, gdpr_erasure, gdpr_erasure_steps
from ops.gdpr_erasure import ErasureChoices
from tests import fix_erasure
from tests.fix_erasure import ADA, BOB, EMAIL, ERASURE, NAME
from tests.fix_postgres import fresh_database
from tests.polling import wait_until


@pytest.fixture
def app(shaped: str) -> str:
    fix_erasure.execute(shaped, fix_erasure.TABLES)
    fix_erasure.execute(shaped, fix_erasure.ROWS)
    return shaped


def ask(dsn: str, query: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def test_all_of_a_person_goes_and_nothing_of_others(app: str, tmp_path: Path):
    before = fix_erasure.everything(app)
    result = fix_erasure.finish(fix_erasure.begin(fix_erasure.write(tmp_path, app)))
    assert result.ok
    assert result.counts == {
        "public.comments (delete)": 2,
        "public.comments (detach)": 1,
        "public.logins (delete)": 1,
        "public.orders (anonymise)": 1,
        "public.people (anonymise)": 1,
        "public.posts (delete)": 2,
    }
    after = fix_erasure.everything(app)
    for word in (EMAIL, NAME, "7946", "St James", "192.0.2.7"):
        assert word not in json.dumps(after, ensure_ascii=False)
    others = {
        name: [row for row in rows if ADA not in row and '"of ada"' not in row]
        for name, rows in before.items()
    }
    assert after["public.logins"] == others["public.logins"]
    assert after["public.order_lines"] == before["public.order_lines"]
    assert after["public.invitations"] == before["public.invitations"]
    assert [json.loads(row)["title"] for row in after["public.posts"]] == ["of bob"]
    answers = ask(app, "select number, answers_post, answers_number, body from public.comments order by 1")
    assert answers == [(2, None, None, "an answer"), (3, None, None, "unrelated")]
    ((name, email, likes),) = ask(
        app, f"select full_name, email, likes from public.people where id = '{ADA}'"
    )
    assert (name, likes) == ("erased", None)
    assert email.endswith("@erased.invalid")
    assert ask(app, f"select email from public.people where id = '{BOB}'") == [("bob@example.com",)]


def test_the_second_time_says_that_nothing_is_left(app: str, tmp_path: Path):
    project = fix_erasure.write(tmp_path, app)
    first = fix_erasure.finish(fix_erasure.begin(project))
    before = fix_erasure.everything(app)
    again = fix_erasure.begin(project, "run-2")
    assert not again.due
    result = fix_erasure.finish(again)
    assert (result.ok, result.erased, result.idle) == (True, False, True)
    assert "nothing of the subject" in result.summary
    assert "by run run" in result.summary
    assert result.subject == first.subject
    assert fix_erasure.everything(app) == before


def test_nothing_that_is_kept_says_who_it_was(app: str, tmp_path: Path):
    project = fix_erasure.write(tmp_path, app)
    erasing = fix_erasure.begin(project)
    document = erasing.proposal("gdpr-erasure")
    found = gdpr_erasure_steps.find(erasing)
    result = fix_erasure.finish(erasing)
    kept = fix_erasure.everything(app, "runbooks.audit_log", "runbooks.erasures")
    mirror = "".join(path.read_text() for path in (project / "artifacts").rglob("*") if path.is_file())
    shown = f"{document} {document.document} {found} {result} {kept} {mirror} {erasing!r} {erasing.plan}"
    for word in (ADA, EMAIL, "ada.lovelace", NAME, "Lövelace", "7946", "St James", "192.0.2.7"):
        assert word not in shown
    ((event, details),) = ask(app, "select event, details from runbooks.audit_log where event = 'erased'")
    assert (event, details["subject"]) == ("erased", result.subject)
    assert details["counts"] == result.counts


def test_the_hash_needs_the_key(app: str, tmp_path: Path):
    project = fix_erasure.write(tmp_path, app)
    first = fix_erasure.begin(project).plan.subject
    (tmp_path / "erasure.key").write_text("another-fake-key")
    assert fix_erasure.begin(project).plan.subject != first
    (project / "runbooks.toml").write_text(
        (project / "runbooks.toml").read_text().replace('key = "file', '# key = "file')
    )
    with pytest.raises(errors.Refused, match="There is no key"):
        fix_erasure.begin(project)


@pytest.mark.parametrize(
    "reference", [ADA, EMAIL, "command:cat /etc/passwd", "env:NOT_SET_IN_ANY_TEST", "file:"]
)
def test_a_subject_that_is_no_secret_reference_is_refused(app: str, tmp_path: Path, reference: str):
    project = fix_erasure.write(tmp_path, app)
    with pytest.raises(errors.Refused) as refused:
        gdpr_erasure.plan(str(project), "production", reference, ErasureChoices())
    assert (
        reference not in str(refused.value) or reference == "env:NOT_SET_IN_ANY_TEST" or reference == "file:"
    )


def test_a_request_that_names_the_person_is_refused(app: str, tmp_path: Path):
    project = fix_erasure.write(tmp_path, app, subject=EMAIL)
    choices = ErasureChoices(request=f"of {EMAIL.upper()}")
    with pytest.raises(errors.Refused, match="Name it by a number"):
        gdpr_erasure.plan(str(project), "production", fix_erasure.reference(project), choices)


def test_a_reached_table_of_which_nothing_is_said_blocks(app: str, tmp_path: Path):
    fix_erasure.execute(
        app,
        "create table public.badges (person uuid references public.people);"
        f"insert into public.badges values ('{BOB}')",
    )
    project = fix_erasure.write(tmp_path, app)
    fix_erasure.begin(project)
    fix_erasure.execute(app, f"insert into public.badges values ('{ADA}')")
    with pytest.raises(
        errors.Refused, match=r'1 rows of public.badges .* add \[erasure.tables."public.badges"\]'
    ):
        fix_erasure.begin(project)
    more = '[erasure.tables."public.badges"]\naction = "delete"\n'
    fix_erasure.finish(fix_erasure.begin(fix_erasure.write(tmp_path, app, more=more)))
    assert ask(app, "select person::text from public.badges") == [(BOB,)]


def test_a_link_of_others_of_which_nothing_is_said_blocks(app: str, tmp_path: Path):
    erasure = ERASURE.replace('detach = ["answers_post, answers_number"]\n', "")
    with pytest.raises(
        errors.Refused, match='add "answers_post, answers_number" to `by`, `detach` or `leave`'
    ):
        fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure))


def test_rows_that_stay_and_lead_nowhere_block(app: str, tmp_path: Path):
    how = ERASURE[ERASURE.index('action = "anonymise"') : ERASURE.index('[erasure.tables."public.posts"]')]
    erasure = ERASURE.replace(how, 'action = "delete"\n')
    with pytest.raises(
        errors.Refused, match=r"1 rows of public.invitations stay .*1 rows of public.orders stay"
    ):
        fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure))


MISTAKES = {
    "no table public.persons": ('"public.people"\nkey', '"public.persons"\nkey'),
    "no column fone": ('null = ["phone", "likes"]', 'null = ["fone"]'),
    "id is part of a key": ('full_name = "erased", ', 'id = "x", '),
    "total may not be empty": ('null = ["address", "note"]', 'null = ["total"]'),
    "neither a column nor a foreign key who": ('by = ["person"]', 'by = ["who"]'),
    "no column uuid": ('by = ["person"]', 'by = ["person = uuid"]'),
    "no foreign key has the columns pinned_by": ('detach = ["pinned"]', 'detach = ["pinned_by"]'),
    "author_id may not be empty": (
        'by = ["author_id"]\ndetach = ["pinned"]',
        'by = ["pinned"]\ndetach = ["author_id"]',
    ),
    "need a `why`": ('why = "codes are nobody\'s"', ""),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_mistake_in_the_declaration_is_said(app: str, tmp_path: Path, said: str):
    erasure = ERASURE.replace(*MISTAKES[said])
    assert erasure != ERASURE
    with pytest.raises(errors.Refused, match=said):
        fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (
            "posts",
            ("author_id, title, body", f"'{BOB}', 'greetings', jsonb_build_object('to', 'ADA LÖVELACE')"),
        ),
        ("comments", ("post_id, number, body", f"2, 9, 'ask {EMAIL}'")),
        ("orders", ("person_id, total, note", f"'{BOB}', 1, '{{\"by\": \"Ada L\\u00f6velace\"}}'")),
    ],
)
def test_what_names_the_person_elsewhere_blocks(app: str, tmp_path: Path, table: str, row: tuple[str, str]):
    project = fix_erasure.write(tmp_path, app)
    fix_erasure.execute(app, f"insert into public.{table} ({row[0]}) values ({row[1]})")
    with pytest.raises(
        errors.Refused, match=rf"public.{table}.* holds what identifies the subject in 1 rows"
    ) as refused:
        fix_erasure.begin(project)
    assert EMAIL not in str(refused.value)
    column = row[0].rpartition(", ")[2]
    erasure = ERASURE.replace("identifying", f'known_mentions = ["public.{table}.{column}"]\nidentifying', 1)
    known = fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure))
    assert any("which is known" in said for said in known.findings)
    assert fix_erasure.finish(known).ok


def test_an_address_by_which_somebody_was_looked_up_is_no_key_that_may_stay(app: str, tmp_path: Path):
    erasure = ERASURE.replace("identifying", 'lookup = "email"\nidentifying', 1).replace('["email", ', "[")
    erasure = erasure.replace(', email = "{{random}}@erased.invalid"', "")
    with pytest.raises(errors.Refused, match='"person = COLUMN" under `by`'):
        fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure, subject=EMAIL))
    erasure = erasure.replace('by = ["person"]', 'by = ["person = id"]')
    with pytest.raises(
        errors.Refused, match=r"public\.people\.email holds what identifies the subject in 1 rows"
    ):
        fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure, subject=EMAIL))


def test_a_kill_leaves_all_or_nothing(app: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = fix_erasure.write(tmp_path, app)
    before = fix_erasure.everything(app)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for name, module in (("keep", erasure_record), ("search", erasure_search)):
        erasing = fix_erasure.begin(project)
        monkeypatch.setattr(module, name, die)
        with pytest.raises(KeyboardInterrupt):
            gdpr_erasure_steps.erase(erasing)
        monkeypatch.undo()
        assert fix_erasure.everything(app) == before
    # Behind the commit, before anything is said of it.
    erasing = fix_erasure.begin(project)
    gdpr_erasure_steps.erase(erasing)
    again = fix_erasure.begin(project)
    assert (again.done, again.due, again.digest) == (True, False, erasing.digest)
    result = fix_erasure.finish(again)
    assert (result.erased, result.logged) == (True, True)
    fix_erasure.finish(fix_erasure.begin(project))
    assert ask(app, "select count(*) from runbooks.audit_log where event = 'erased'") == [(1,)]


def test_rows_that_came_since_the_plan_are_not_erased_under_it(app: str, tmp_path: Path):
    erasing = fix_erasure.begin(fix_erasure.write(tmp_path, app))
    fix_erasure.execute(app, f"insert into public.logins (person, address) values ('{ADA}', '192.0.2.9')")
    before = fix_erasure.everything(app)
    with pytest.raises(errors.Refused, match="not as many as when the plan was made"):
        gdpr_erasure_steps.erase(erasing)
    assert fix_erasure.everything(app) == before


HOLDING = """\
create function public.hold() returns trigger language plpgsql as $$ begin {body} end $$;
create trigger hold {when} on public.logins for each row execute function public.hold();
"""


@pytest.mark.parametrize(
    ("when", "body", "said"),
    [
        ("before delete", "return null;", "Not every row"),
        (
            "after delete",
            "update public.orders set total = 0; return null;",
            "Rows of public.orders would change",
        ),
        (
            "after delete",
            f"insert into public.comments (post_id, number, body) values (2, 8, '{EMAIL}'); return null;",
            "public.comments.body holds what identifies",
        ),
    ],
)
def test_what_a_trigger_does_beside_it_undoes_all(app: str, tmp_path: Path, when: str, body: str, said: str):
    fix_erasure.execute(app, HOLDING.format(when=when, body=body))
    erasing = fix_erasure.begin(fix_erasure.write(tmp_path, app))
    before = fix_erasure.everything(app)
    with pytest.raises(errors.CheckFailed, match=said) as failed:
        gdpr_erasure_steps.erase(erasing)
    assert EMAIL not in str(failed.value)
    assert fix_erasure.everything(app) == before


def test_what_the_database_complains_about_says_no_value(app: str, tmp_path: Path):
    fix_erasure.execute(app, "alter table public.orders add check (address is not null)")
    erasing = fix_erasure.begin(fix_erasure.write(tmp_path, app))
    with pytest.raises(
        errors.CheckFailed, match=r"23514 \(table orders, constraint orders_address_check\)"
    ) as failed:
        gdpr_erasure_steps.erase(erasing)
    assert "St James" not in str(failed.value)


def test_another_run_at_the_same_time_is_refused(app: str, tmp_path: Path):
    erasing = fix_erasure.begin(fix_erasure.write(tmp_path, app))
    with gdpr_erasure_steps.journal.held(app, "another"), pytest.raises(errors.Refused, match="another"):
        gdpr_erasure_steps.erase(erasing)


def test_a_subject_by_an_address_that_several_have_is_refused(app: str, tmp_path: Path):
    erasure = ERASURE.replace("identifying", 'lookup = "likes"\nidentifying', 1)
    project = fix_erasure.write(tmp_path, app, erasure=erasure, subject="tea")
    with pytest.raises(errors.Refused, match=r"2 rows of public\.people"):
        fix_erasure.begin(project)


def test_a_subject_who_is_not_there_or_is_no_uuid(app: str, tmp_path: Path):
    nobody = fix_erasure.begin(
        fix_erasure.write(tmp_path, app, subject="33333333-3333-4333-8333-333333333333")
    )
    assert not nobody.due
    with pytest.raises(errors.Refused, match="22P02"):
        fix_erasure.begin(fix_erasure.write(tmp_path, app, subject="nobody in particular"))


def test_objects_of_storage_are_named_as_left(app: str, tmp_path: Path):
    fix_erasure.execute(
        app,
        "insert into storage.buckets (id, name) values ('avatars', 'avatars');"
        f"insert into storage.objects (bucket_id, name, owner_id) values ('avatars', 'ada.png', '{ADA}')",
    )
    erasure = ERASURE.replace("identifying", 'storage_owner = "id"\nidentifying', 1)
    result = fix_erasure.finish(fix_erasure.begin(fix_erasure.write(tmp_path, app, erasure=erasure)))
    assert result.objects == {"avatars": 1}
    assert "1 objects of Storage stay" in result.summary
    assert "ada.png" not in str(result)


VICTIM = """\
import sys, time
from pathlib import Path
from ops import erasure_record
from tests import fix_erasure
from ops import gdpr_erasure_steps

def reached(*_, **__):
    Path(sys.argv[2]).touch()
    time.sleep(600)

erasure_record.keep = reached
gdpr_erasure_steps.erase(fix_erasure.begin(Path(sys.argv[1])))
"""


def test_a_process_that_is_killed_before_its_commit_leaves_nothing_half(app: str, tmp_path: Path):
    project = fix_erasure.write(tmp_path, app)
    before = fix_erasure.everything(app)
    mark = tmp_path / "erased-and-not-committed"
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, project, mark], cwd=Path(__file__).parents[2])
    try:
        wait_until(lambda: mark.exists() or victim.poll() is not None, seconds=120)
    finally:
        victim.kill()
        victim.wait()
    assert mark.exists()
    assert fix_erasure.everything(app) == before
    assert fix_erasure.finish(fix_erasure.begin(project)).ok


AUTH = """\
[erasure]
table = "auth.users"
lookup = "email"
key = "file:{key}"
identifying = ["email"]

[erasure.tables."auth.users"]
action = "delete"

[erasure.tables."auth.identities"]
action = "delete"

[erasure.tables."public.profiles"]
action = "delete"

[erasure.tables."public.newsletter"]
action = "delete"
by = ["address = email"]
"""


def test_a_user_of_supabase_goes_by_the_address(app: str, shaped_admin: str, tmp_path: Path):
    fix_erasure.execute(
        shaped_admin,
        f"insert into auth.users (id, email) values ('{ADA}', '{EMAIL}'), ('{BOB}', 'bob@example.com');"
        "insert into auth.identities (provider_id, user_id, identity_data, provider)"
        " select id::text, id, jsonb_build_object('email', email), 'email' from auth.users",
    )
    fix_erasure.execute(
        app,
        "create table public.profiles (id uuid primary key references auth.users on delete cascade);"
        f"insert into public.profiles values ('{ADA}'), ('{BOB}');"
        "create table public.newsletter (address text);"
        f"insert into public.newsletter values ('{EMAIL}'), ('bob@example.com')",
    )
    project = fix_erasure.write(tmp_path, app, erasure=AUTH, subject=EMAIL)
    assert fix_erasure.finish(fix_erasure.begin(project)).ok
    left = "select (select count(*) from {0}), (select count(*) from {0} t where t::text ~ 'bob@|2222')"
    for table in ("auth.users", "auth.identities", "public.profiles", "public.newsletter"):
        assert ask(shaped_admin, left.format(table)) == [(1, 1)]
    again = fix_erasure.begin(project, "run-2")
    assert not again.due


def test_it_does_so_on_the_lowest_version(server15: embedded.Server, tmp_path: Path):
    with fresh_database(server15) as name:
        dsn = server15.dsn(name)
        fix_erasure.execute(dsn, fix_erasure.TABLES)
        fix_erasure.execute(dsn, fix_erasure.ROWS)
        project = fix_erasure.write(tmp_path, dsn)
        assert fix_erasure.finish(fix_erasure.begin(project)).ok
        assert not fix_erasure.begin(project, "run-2").due


def test_rows_in_partitions_are_told_apart(app: str, tmp_path: Path):
    fix_erasure.execute(
        app,
        "create table public.visits (person uuid references public.people, day integer) partition by list (day);"
        "create table public.visits_1 partition of public.visits for values in (1);"
        "create table public.visits_2 partition of public.visits for values in (2);"
        f"insert into public.visits values ('{ADA}', 1), ('{BOB}', 1), ('{BOB}', 2), ('{ADA}', 2), ('{BOB}', 2)",
    )
    more = '[erasure.tables."public.visits"]\naction = "delete"\n'
    result = fix_erasure.finish(fix_erasure.begin(fix_erasure.write(tmp_path, app, more=more)))
    assert result.counts["public.visits (delete)"] == 2
    assert ask(app, "select person::text, day from public.visits order by 2") == [
        (BOB, 1),
        (BOB, 2),
        (BOB, 2),
    ]
