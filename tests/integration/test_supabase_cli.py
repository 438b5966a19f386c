"""The Supabase CLI and we agree on what is pending, whoever applied it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from ops import embedded, migrations, project, reversal
from tests import fix_command, fix_postgres, fix_supabase_cli, projects
from tests.fix_site import Site
from tests.fix_supabase_cli import SupabaseCli

STOREFRONT = Path(__file__).parents[2] / "examples" / "storefront"

ODD = {
    "1_a": "create table public.a (id int);\n",
    "10_b": "create table public.b (id int)",
    "2_c": "-- only a comment\n",
    "20260101000000_empty": "",
    "20260102000000_bom_and_crlf": b"\xef\xbb\xbfcreate table bom (id int);\r\ncreate table crlf (id int);\r\n",
    "20260103000000_own_transaction": "begin;\ncreate table public.tx (id int);\ncommit;\n",
    "20260104000000_concurrently": "create index concurrently a_idx on a (id);\ncreate table after (id int);\n",
    "20260105000000_mit umlaut ü": "create table public.ü (id int);\n",
    "20260106000000_": "create table public.nameless (id int);\n",
    "20260107000000_path_that_leaks": "set search_path = '';\ncreate table public.path (id int);\n",
    "20260108000000_unqualified": "create table unqualified (id int);\n",
    "20260109000000_two.dots.up": "create table public.dots (id int);\n",
}
SPLITS = {
    "20260201000000_dollars": "create function public.f() returns int language plpgsql as $x$\nbegin\n"
    "  return 1; -- one;\n"
    "end;\n$x$;\n;;\ncreate function public.g() returns text language sql as $$ select '$x$;' $$;\n/* tail; */\n",
    "20260202000000_atomic": "create function public.atomic() returns int language sql\n"
    "begin atomic select 1; select case when true then 2 end; end;\nselect ';' as semicolon;\n",
    "20260203000000_quotes": "select 'a;b', E'it\\'s; fine', \"x;y\" from (select 1 as \"x;y\") as t;\n"
    "select U&'d\\0061t;a', 'standard\\';\nselect $q1$ ; $q1$;\n",
    "20260204000000_comments": "/* a /* nested; */ one; */\nselect 1 /* ; */ + 1; -- end;\n-- more;\n\n\nselect 2",
    "20260205000000_rule": "create table public.ruled (id int);\ncreate rule twice as on insert to public.ruled\n"
    "do also (select 1; select 2);\n",
    "20260206000000_block": "do $$\nbegin\n  perform 1;\n  execute 'create table public.made (id int);';\nend\n$$;\n",
    "20260207000000_tabs": "\tcreate\ttable\tpublic.tabs\t(id\tint)\t;\n\n\n\n  \n",
    "20260208000000_procedure": "create procedure p() language plpgsql as 'begin null; end;';\ncall p();\n",
    "20260209000000_enum": "create type public.mood as enum ('a');\nalter type public.mood add value 'b;';\n",
}
NOT_MIGRATIONS = (
    "20260301000000.sql",
    "20260302000000-dash.sql",
    "20260303000000_upper.SQL",
    "notes.sql",
    "readme.txt",
)


def _storefront(root: Path) -> Path:
    return Path(shutil.copytree(STOREFRONT, root / "storefront", ignore=shutil.ignore_patterns("artifacts")))


def _odd(root: Path) -> Path:
    projects.write(root, migrations={**ODD, **SPLITS})
    for name in NOT_MIGRATIONS:
        (root / "supabase/migrations" / name).write_text("select 1;\n", encoding="utf-8")
    return root


WRITERS: dict[str, Callable[[Path], Path]] = {"storefront": _storefront, "odd": _odd}


class Both:
    """One project and one database, with both tools at hand."""

    def __init__(self, root: Path, listening: embedded.Server, database: str, home: Path) -> None:
        self.site = Site(root, listening.dsn(database))
        self.cli = SupabaseCli(root, fix_supabase_cli.url(listening, database), home)

    def agree(self) -> list[str]:
        """Return what is pending, after both have listed the same."""
        ours = self.site.take()
        listed = self.cli.listed()
        assert list(ours.pending) == [row["local"] for row in listed if not row["remote"]]
        lines = [line.split("|") for line in ours.as_text().splitlines()[2:]]
        assert [(row["local"], row["remote"]) for row in listed] == [
            (local.strip(), remote.strip()) for local, remote, _ in lines
        ]
        return list(ours.pending)

    def states(self) -> set[str]:
        return {entry.state for entry in self.site.take().entries}


@pytest.fixture(params=WRITERS)
def both(request: pytest.FixtureRequest, tmp_path: Path, listening: embedded.Server) -> Generator[Both]:
    root = WRITERS[request.param](tmp_path)
    with fix_postgres.fresh_database(listening) as database:
        made = Both(root, listening, database, tmp_path / "home")
        yield made
        made.site.close()


def test_before_anything_ran_both_would_apply_the_same_files_in_the_same_order(both: Both) -> None:
    assert both.agree()
    files = [Path(migration.file).name for migration in both.site.found()]
    assert both.cli.would_push() == files
    skipped = [Path(said.split()[0]).name for said in migrations.skipped(project.load(both.site.root))]
    assert set(skipped) <= set(NOT_MIGRATIONS)


def test_after_our_apply_nothing_is_pending_for_it(both: Both) -> None:
    both.site.apply()
    assert both.agree() == []
    assert both.cli.push() == []
    assert both.states() == {"applied"}


def test_after_its_push_nothing_is_pending_for_us(both: Both) -> None:
    assert len(both.cli.push()) == len(both.site.found())
    assert both.agree() == []
    assert both.states() == {"other-hands"}
    assert both.site.take().ok
    last = both.site.found()[-1]
    last.path.write_text(last.path.read_text() + "\nselect 'something else';\n")
    assert both.states() == {"other-hands", "edited"}


def test_each_goes_on_where_the_other_stopped(both: Both) -> None:
    found = both.site.found()
    cuts = (len(found) // 3, 2 * len(found) // 3)
    both.site.apply(*(migration.version for migration in found[: cuts[0]]))
    assert both.agree() == [migration.version for migration in found[cuts[0] :]]
    later = {migration.path: migration.path.read_bytes() for migration in found[cuts[1] :]}
    for path in later:
        path.unlink()
    assert both.cli.push() == [migration.path.name for migration in found[cuts[0] : cuts[1]]]
    for path, content in later.items():
        path.write_bytes(content)
    assert both.agree() == [migration.version for migration in found[cuts[1] :]]
    both.site.apply(*both.agree())
    assert both.agree() == []
    assert both.states() == {"applied", "other-hands"}


def test_what_we_roll_back_is_pending_for_it_again(both: Both) -> None:
    both.site.apply()
    both.site.target.observe()
    last = both.site.found()[-1]
    if last.rollback:
        assert reversal.backward(both.site.target, last).outcome.ok
        assert both.agree() == [last.version]
        assert both.cli.push() == [last.path.name]
    assert both.agree() == []
    both.site.target.close()


def test_what_the_history_contradicts_is_refused_by_both(both: Both) -> None:
    both.site.apply()
    late = both.site.root / "supabase/migrations/0_late.sql"
    late.write_text("create table public.late (id int);\n")
    assert both.agree() == ["0"]
    refused = both.cli.call("db", "push")
    assert refused.returncode != 0
    assert "include-all" in refused.stdout + refused.stderr
    assert [said for said in both.site.take().refusals if "0_late.sql" in said]
    late.unlink()
    both.site.found()[0].path.unlink()
    assert both.cli.call("db", "push").returncode != 0
    assert both.agree() == []
    assert [said for said in both.site.take().refusals if "has no file here" in said]


def test_after_a_whole_rehearsal_in_place_nothing_is_pending_for_it(
    tmp_path: Path, listening: embedded.Server
) -> None:
    root = _storefront(tmp_path)
    with fix_postgres.fresh_database(listening) as database:
        cli = SupabaseCli(root, fix_supabase_cli.url(listening, database), tmp_path / "home")
        assert len(cli.pending()) == 9
        done = fix_command.run(
            "rehearse", root, "--database", "env:STAGING_URL", STAGING_URL=listening.dsn(database)
        )
        assert "9 applied of 9 pending" in done.stdout, done.stdout + done.stderr
        assert cli.pending() == []
