"""What a segment says of itself on its first page, and what keeps one from being read."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops import errors, wal_files
from ops.wal_files import Header

NAME = "000000020000000000000005"
GOOD = Header(magic=0xD118, is_long=True, timeline=2, lsn=5 << 20, system_identifier="7", size=1 << 20)


def said(header: Header) -> str:
    return header.differs(major=18, name=NAME, lsn=5 << 20, system="7", size=1 << 20)


def test_a_segment_may_begin_with_a_copy_of_the_timeline_before():
    assert said(GOOD) == said(replace(GOOD, timeline=1)) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"magic": 0xD117}, "does not begin like a segment of PostgreSQL 18"),
        ({"is_long": False}, "does not begin like"),
        ({"lsn": 6 << 20}, "begins at 600000 and should at 500000"),
        ({"system_identifier": "8"}, "is of another cluster, 8"),
        ({"size": 16 << 20}, "says that segments have 16777216 bytes"),
        ({"timeline": 3}, "is of timeline 3"),
    ],
)
def test_a_segment_that_is_another_one_is_told(change: dict[str, object], why: str):
    assert why in said(replace(GOOD, **change))  # pyright: ignore[reportArgumentType]


def test_a_page_is_empty_or_in_its_place():
    place = (3 << 20).to_bytes(8, "little")
    page = b"\x18\xd1" + bytes(6) + place + b"x" + bytes(wal_files.PAGE - 17)
    assert not wal_files.is_lost(bytes(wal_files.PAGE), lsn=3 << 20)
    assert not wal_files.is_lost(page, lsn=3 << 20)
    assert wal_files.is_lost(page, lsn=4 << 20)
    assert wal_files.is_lost(bytes(100) + b"x" + bytes(wal_files.PAGE - 101), lsn=3 << 20)


@pytest.mark.parametrize("name", [NAME, f"{NAME}.gz", f"{NAME}.zst", f"{NAME}-{'0a' * 20}.lz4"])
def test_the_plain_name_of_a_segment(name: str):
    assert wal_files.plain(name) == NAME


@pytest.mark.parametrize(
    ("error", "kind"), [(PermissionError, errors.Refused), (FileNotFoundError, errors.Unavailable)]
)
def test_a_file_that_cannot_be_read_is_a_sentence(error: type[OSError], kind: type[errors.OpsError]):
    with pytest.raises(kind, match="/srv/wal/x"), wal_files.reading():
        raise error(2, "why", "/srv/wal/x")


@pytest.mark.parametrize(
    ("suffix", "packing"), [(".gz", gzip.compress), (".xz", lzma.compress), (".bz2", bz2.compress)]
)
def test_a_packed_file_is_opened_as_what_it_was(
    suffix: str, packing: Callable[[bytes], bytes], tmp_path: Path
):
    path = tmp_path / f"{NAME}{suffix}"
    path.write_bytes(packing(b"as it was"))
    with wal_files.opened(path) as file:
        assert file.read() == b"as it was"


def test_what_no_program_here_unpacks_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Refused, match="Install zstd"):
        wal_files.opened(tmp_path / f"{NAME}.zst")
    program = tmp_path / "zstd"
    program.write_text('#!/bin/sh\necho "$1 is not in zstd format" >&2\nexit 1\n', "utf-8")
    program.chmod(0o755)
    with pytest.raises(OSError, match="is not in zstd format"):
        wal_files.opened(tmp_path / f"{NAME}.zst")
