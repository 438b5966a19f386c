"""What the linter says about migrations, and what is said when it cannot say anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import lint, migrations, project
from ops.verdict import Lint
from tests import projects

INDEX = "create index notes_body_idx on public.notes (body);\n"


def linted(root: Path, files: dict[str, str | bytes], *, major: int = 18) -> dict[str, tuple[Lint, ...]]:
    """Return the findings by the name of the file without its folder."""
    projects.write(root, migrations=files)
    found = lint.findings(migrations.find(project.load(root)), major=major)
    return {Path(file).name: lints for file, lints in found.items()}


def rules(lints: tuple[Lint, ...]) -> set[str]:
    return {found.rule for found in lints}


def test_a_finding_has_rule_level_and_help(tmp_path: Path) -> None:
    (found,) = linted(tmp_path, {"1_index": INDEX})["1_index.sql"]
    assert (found.rule, found.level) == ("require-concurrent-index-creation", "warning")
    assert (found.line, found.column) == (1, 1)
    assert "concurrently" in (found.help or "")


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_place_counts_characters_and_leaves_the_byte_order_mark_out(tmp_path: Path, start: bytes) -> None:
    content = start + "/* é */ create index i on public.notes (body);\r\n/* ✓✓ */ ".encode() + INDEX.encode()
    first, second = linted(tmp_path, {"1_index": content})["1_index.sql"]
    assert (first.line, first.column) == (1, 9)
    assert (second.line, second.column) == (2, 10)


def test_timeouts_that_every_login_sets_are_not_asked_for(tmp_path: Path) -> None:
    found = linted(tmp_path, {"1_column": "alter table public.notes add column a text;\n"})
    assert found == {"1_column.sql": ()}


def test_a_file_outside_a_transaction_should_be_able_to_run_again(tmp_path: Path) -> None:
    found = linted(
        tmp_path,
        {
            "1_outside": "create index concurrently i on public.notes (body);\n",
            "2_inside": "create table public.a (id bigint);\n",
        },
    )
    assert "prefer-robust-stmts" in rules(found["1_outside.sql"])
    assert found["2_inside.sql"] == ()


def test_the_version_of_the_server_counts(tmp_path: Path) -> None:
    adding = {"1_column": "alter table public.notes add column a text default 'x';\n"}
    assert rules(linted(tmp_path, adding, major=10)["1_column.sql"]) == {"adding-field-with-default"}
    assert rules(linted(tmp_path, adding, major=15)["1_column.sql"]) == set()


def test_names_that_look_like_patterns_are_names(tmp_path: Path) -> None:
    assert linted(tmp_path, {"1_a[b]*?": INDEX})["1_a[b]*?.sql"]


def test_the_projects_own_configuration_counts(tmp_path: Path) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["require-concurrent-index-creation"]\n')
    assert linted(tmp_path, {"1_index": INDEX}) == {"1_index.sql": ()}


def test_a_wrong_configuration_is_said_of_every_file(tmp_path: Path) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["nonsense"]\n')
    found = linted(tmp_path, {"1_index": INDEX, "2_index": INDEX})
    assert len(found) == 2
    for (said,) in found.values():
        assert said.rule == lint.NOT_LINTED
        assert "invalid rule name nonsense" in said.message


def test_one_file_that_breaks_the_linter_leaves_the_others_their_findings(tmp_path: Path) -> None:
    deep = f"select {'(' * 20_000}1{')' * 20_000};\n"
    files: dict[str, str | bytes] = {f"{n}_index": INDEX for n in range(1, 8)}
    found = linted(tmp_path, {**files, "8_deep": deep})
    assert rules(found.pop("8_deep.sql")) == {lint.NOT_LINTED}
    assert {frozenset(rules(lints)) for lints in found.values()} == {
        frozenset({"require-concurrent-index-creation"})
    }


def test_a_linter_that_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_named: None)
    (found,) = linted(tmp_path, {"1_index": INDEX})["1_index.sql"]
    assert found.rule == lint.NOT_LINTED
    assert "Install the package squawk-cli" in found.message


def test_the_first_syntax_error_is_a_finding_with_its_place(tmp_path: Path) -> None:
    found = linted(tmp_path, {"1_wrong": "select 1;\nselect (1;\nselect (2;\nselect (3;\n"})["1_wrong.sql"]
    assert [lints.line for lints in found if lints.rule == "syntax-error"] == [2]


def test_files_that_are_refused_are_not_linted(tmp_path: Path) -> None:
    assert linted(tmp_path, {"1_latin": b"select '\xe4';\n", "2_index": INDEX}).keys() == {"2_index.sql"}


def test_more_files_than_fit_a_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint, "_AT_ONCE", 3)
    found = linted(tmp_path, {f"{n}_index": INDEX for n in range(1, 9)})
    assert len(found) == 8
    assert all(found.values())
