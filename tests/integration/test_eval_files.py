"""Records in files of another tool: foreign names, bad lines, files that overlap."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import errors, eval_export, eval_file_forms, eval_watermark
from ops.eval_night import EvalChoices
from ops.evals import Export
from tests.fix_eval_export import DAY, T0, Site
from tests.fix_postgrest import PostgRest

ON = EvalChoices()
FOREIGN = 'fields = { key = "meta.id", created = "meta.time" }'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A project without a database: no server is asked for anything."""
    (tmp_path / "shop" / "logs").mkdir(parents=True)
    nobody = PostgRest("http://127.0.0.1:9/", "none")
    return Site(tmp_path / "shop", "", "", nobody, kind="file", page=3, settings=FOREIGN, with_database=False)


def record(key: object, at: datetime | None, **more: Any) -> dict[str, Any]:
    return {"meta": {"id": key, "time": at.isoformat() if at else None}, **more}


def write(site: Site, name: str, records: Sequence[dict[str, Any] | bytes]) -> None:
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in records]
    (site.root / "logs" / name).write_bytes(b"\n".join(lines))


def ingested(site: Site, run: str, choices: EvalChoices = ON) -> Export:
    with site.night(choices, run) as night:
        found = eval_export.export(night)
        eval_watermark.advance_file(night)
        return found


def ids(found: Export) -> list[object]:
    return [json.loads(line)["meta"]["id"] for line in found.path.read_bytes().splitlines()]


def test_records_of_several_files_are_exported_by_time_and_once(site: Site):
    write(site, "b.jsonl", [record(n, T0 + timedelta(minutes=n)) for n in (5, 1, 3)])
    write(site, "a.jsonl", [b"\xef\xbb\xbf" + json.dumps(record(4, T0)).encode(), b"", record(1, T0)])
    found = site.export()
    assert ids(found) == [4, 1, 3, 5]
    assert (found.records, found.repeated) == (4, 1)


def test_bad_lines_pass_through_and_none_is_lost(site: Site):
    deep = b'{"meta":{"id":3,"time":"2026-02-15T03:00:00Z"},"x":' + b"[" * 5000 + b"]" * 5000 + b"}"
    bad = [
        b'{"meta": {"id": 1, "time": "2026-02-15T01:',
        b'{"meta":{"id":2,"time":"2026-02-15T02:00:00Z"},"output":"\\ud800 \\u0000"}',
        deep,
        b'{"meta":{"id":4,"time":NaN},"cost":Infinity}',
        b'"just text"',
        b"\x00\xff",
        b'{"meta":{"id":5,"time":"2026-02-15T05:00:00Z"},"output":"' + b"x" * 5_000_000 + b'"}',
        b'{"meta":[1,2],"output":null}',
    ]
    write(site, "bad.jsonl", bad)
    found = site.export()
    assert found.records == len(bad)
    assert sorted(found.path.read_bytes().splitlines()) == sorted(bad)


def test_the_first_night_looks_back_from_the_newest_record_and_the_next_goes_on(site: Site):
    old = datetime(2024, 5, 1, tzinfo=UTC)
    write(site, "a.jsonl", [record(n, old + timedelta(hours=n)) for n in range(40)] + [b"broken"])
    first = ingested(site, "night-1")
    assert first.records == 25
    write(
        site,
        "b.jsonl",
        [record("new", old + timedelta(hours=50)), record("late", old + timedelta(hours=38.5))],
    )
    second = ingested(site, "night-2")
    assert ids(second) == ["late", "new"]
    assert (second.late, second.repeated) == (1, 3)
    assert ingested(site, "night-3").records == 0


@pytest.mark.parametrize("parts", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("as_text", [False, True])
def test_the_window_holds_times_since_1970(site: Site, parts: int, as_text: bool):
    def since_1970(hours: int) -> object:
        number = round((T0 + timedelta(hours=hours)).timestamp()) * parts
        return str(number) if as_text else number

    times = {n: since_1970(n) for n in (3, -30, 1, 50, 2)}
    write(site, "a.jsonl", [{"meta": {"id": n, "time": said}} for n, said in times.items()])
    found = site.export(DAY)
    assert ids(found) == [1, 2, 3]


def test_a_change_after_a_night_is_read_by_a_re_score_and_no_later_night(site: Site):
    write(site, "a.jsonl", [record(n, T0 + timedelta(minutes=n), publish_state=None) for n in range(3)])
    first = ingested(site, "night-1")
    assert [json.loads(line)["publish_state"] for line in first.path.read_bytes().splitlines()] == [None] * 3
    write(site, "a.jsonl", [record(n, T0 + timedelta(minutes=n), publish_state="edited") for n in range(3)])
    assert ingested(site, "night-2").records == 0
    again = site.export(DAY)
    assert [json.loads(line)["publish_state"] for line in again.path.read_bytes().splitlines()] == [
        "edited"
    ] * 3
    site.settings = 'fields = { key = "meta.id", created = "meta.time", updated = "changed_at" }'
    with pytest.raises(errors.Refused, match="updated"):
        site.export()


def test_the_limit_is_said_for_files_as_well(site: Site):
    write(site, "a.jsonl", [record(n, T0 + timedelta(minutes=n // 4)) for n in range(20)])
    found = site.export(DAY.model_copy(update={"limit": 6}))
    assert (ids(found), found.left) == ([0, 1, 2, 3, 4, 5], 14)


def test_another_run_that_moved_the_watermark_is_seen_in_the_file(site: Site):
    write(site, "a.jsonl", [record(1, T0)])
    with site.night(ON) as night:
        eval_export.export(night)
        other = eval_watermark.Watermark(cursor={"created": T0, "key": "9"}, content_digest="x")  # pyright: ignore
        eval_watermark.path(night.plan).write_text(other.model_dump_json())
        with pytest.raises(errors.Refused, match="has moved the watermark"):
            eval_watermark.advance_file(night)


def test_globs_without_files_and_a_broken_expression_are_refused(site: Site):
    with pytest.raises(errors.Refused, match="find no file"):
        site.export()
    write(site, "a.jsonl", [record(1, T0)])
    site.settings = 'fields = { key = "meta.[" }'
    with pytest.raises(errors.Refused, match="is no JMESPath"):
        site.export()


def three(**more: Any) -> list[dict[str, Any]]:
    return [record(n, T0 + timedelta(minutes=n), big=2**70 + n, **more) for n in range(3)]


def jsonl(records: Sequence[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in records).encode()


FORMS = {
    "gzip": gzip.compress(jsonl(three(output="é"))),
    "bzip2": bz2.compress(jsonl(three(output="é"))),
    "xz": lzma.compress(jsonl(three(output="é"))),
    "utf-16": jsonl(three(output="é")).decode().encode("utf-16"),
    "utf-16 without a mark": jsonl(three(output="é")).decode().encode("utf-16-le"),
    "array": json.dumps(three(output="é")).encode(),
    "array over lines": b"\xef\xbb\xbf" + json.dumps(three(output="é"), indent=2).encode(),
    "array in gzip": gzip.compress(json.dumps(three(output="é"), indent=1).encode()),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS.keys())
def test_other_forms_of_records_are_read(site: Site, data: bytes):
    (site.root / "logs" / "a.jsonl").write_bytes(data)
    found = site.export()
    assert [json.loads(line) for line in found.path.read_bytes().splitlines()] == three(output="é")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gzip.compress(jsonl(three()))[:-9], "a.jsonl is packed by gzip and broken or cut off"),
        (b"PK\x03\x04" + b"x" * 40, "is a zip archive"),
        (b"PAR1" + b"x" * 40, "is a Parquet file"),
        (
            json.dumps({"n": 3, "runs": three()}, indent=2).encode(),
            r"one JSON object over .* jq -c '.runs\[\]' a.jsonl",
        ),
        (b"\xff\xfe" + b"{\x00\xd8\xd8\xd8\xd8", "UTF-16 that is broken, .* iconv -f UTF-16"),
    ],
)
def test_what_is_no_lines_of_json_is_refused_by_its_name(site: Site, data: bytes, said: str):
    (site.root / "logs" / "a.jsonl").write_bytes(data)
    with pytest.raises(errors.Refused, match=said):
        site.export()


def test_a_large_array_is_refused_with_how_to_spread_it(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(eval_file_forms, "LARGEST_ARRAY", 100)
    write(site, "a.jsonl", [json.dumps(three(), indent=1).encode()])
    with pytest.raises(errors.Refused, match=r"is a JSON array and too large .* jq -c '\.\[\]' a.jsonl"):
        site.export()


def test_records_of_one_key_in_two_files_are_said_and_which_differ(site: Site):
    write(site, "a.jsonl", [record(n, T0 + timedelta(minutes=n), output="a") for n in range(6)])
    write(
        site,
        "b.jsonl",
        [record(n, T0 + timedelta(minutes=n), output="b" if n > 3 else "a") for n in range(2, 6)],
    )
    found = site.export()
    assert (found.records, found.repeated) == (6, 4)
    said = "4 records stood there once more with the key of another, 2 of them differ: 4, 5; the later one is kept."
    assert said in found.summary
    assert [json.loads(line)["output"] for line in found.path.read_bytes().splitlines()] == ["a"] * 4 + [
        "b"
    ] * 2


def test_the_same_file_twice_is_said_to_be_alike(site: Site):
    for name in ("a.jsonl", "b.jsonl"):
        write(site, name, [record(n, T0) for n in range(3)])
    assert (
        "3 records stood there once more with the key of another, all of them alike." in site.export().summary
    )
