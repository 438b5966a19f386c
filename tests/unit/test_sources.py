"""Files as bytes: what is no text, and what is odd about one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import sources


def read(root: Path, content: bytes) -> sources.Source:
    path = root / "a.sql"
    path.write_bytes(content)
    return sources.read(path, root)


@pytest.mark.parametrize(
    ("content", "place", "says"),
    [
        (b"a\nb\0", "2:2", "byte 4"),
        (b"\xef\xbb\xbfa\0", "1:2", "NUL byte"),
        ("é\n漢\0".encode(), "2:2", "NUL byte"),
        ("select".encode("utf-16"), "1:1", "is UTF-16"),
        ("select".encode("utf-16-be"), "1:1", "NUL byte"),
        ("select".encode("utf-32"), "1:1", "is UTF-32"),
        ("é\né".encode("latin-1"), "1:1", "0xe9, as in Latin-1"),
        (b"a \x96 b", "1:3", "as in Windows-1252"),
        (b"version https://git-lfs.github.com/spec/v1\n", "1:1", "git lfs pull"),
        (b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> d\n", "2:1", "Git conflict"),
        (b"a\n<<<<<<< HEAD\nb\n||||||| base\nx\n=======\nc\n>>>>>>> d\n", "2:1", "Git conflict"),
        (b"<<<<<<< HEAD\r\nb\r\n=======\r\nc\r\n>>>>>>> d\r\n", "1:1", "Git conflict"),
    ],
)
def test_what_is_no_text_has_its_place(tmp_path: Path, content: bytes, place: str, says: str) -> None:
    problem = read(tmp_path, content).problem or ""
    assert problem.startswith(f"a.sql:{place}: ")
    assert says in problem


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"\xef\xbb\xbfselect 1;\n", "byte order mark"),
        ("select\n 1;\u200b\n".encode(), "U+200B, at 2:4"),
        ("-- \u202e\n".encode(), "U+202E, at 1:4"),
        ("a\ufeffb".encode(), "U+FEFF, at 1:2"),
    ],
)
def test_what_is_odd_is_a_finding(tmp_path: Path, content: bytes, finding: str) -> None:
    source = read(tmp_path, content)
    assert source.problem is None
    assert any(finding in said for said in source.findings)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"select 1;\n",
        "select 'Grüße 漢 😀';\n".encode(),
        b"-- <<<<<<< \n-- =======\n-- >>>>>>>\n",
        b"select 1 <<<<<<< 2;\n",
        b"=======\n",
        "select 1; -- a\u00a0b\n".encode(),
    ],
)
def test_a_text_is_itself(tmp_path: Path, content: bytes) -> None:
    source = read(tmp_path, content)
    assert (source.problem, source.findings, source.text) == (None, (), content.decode())
    assert len(source.sha256) == 64


def test_a_mark_is_taken_off_once(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfselect 1;\n").text == "select 1;\n"


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa").sha256 != read(tmp_path, b"a").sha256


def test_links_inside_the_project_are_followed(tmp_path: Path) -> None:
    (tmp_path / "real.sql").write_text("select 1;\n")
    (tmp_path / "link.sql").symlink_to("real.sql")
    assert sources.read(tmp_path / "link.sql", tmp_path).text == "select 1;\n"


@pytest.mark.parametrize("what", ["folder", "loop", "nothing", "outside"])
def test_what_is_no_file_of_the_project_is_a_problem(tmp_path: Path, what: str) -> None:
    root = tmp_path / "project"
    path = root / "a.sql"
    root.mkdir()
    (tmp_path / "outside.sql").write_text("select 1;\n")
    if what == "folder":
        path.mkdir()
    else:
        path.symlink_to({"loop": "a.sql", "nothing": "b.sql", "outside": "../outside.sql"}[what])
    assert (sources.read(path, root).problem or "").startswith("a.sql: is ")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (tmp_path / "a.sql").touch()
    problem = sources.read(tmp_path / "a.sql", tmp_path).problem or ""
    assert "cannot be read (Permission denied)" in problem


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 3)
    assert "more than the 0 MB" in (read(tmp_path, b"1234").problem or "")
