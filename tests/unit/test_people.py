"""The people who decide, and the store of their seeds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp.totp import TOTP

from ops import errors, people, secrets

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"file:{tmp_path / 'kept' / 'approvers.json'}"


def path(store: str) -> Path:
    return Path(store.removeprefix("file:"))


def test_who_is_enrolled_is_known_by_the_codes_of_their_authenticator(store: str):
    enrolled = people.add(store, " Ada ", environment="production", now=NOW)
    seed = parse_qs(urlsplit(enrolled.address).query)["secret"][0]
    person = people.read(store)["ada"]
    assert people.step(person, TOTP(seed).at(NOW), NOW) is not None
    code = TOTP(seed).at(NOW)
    assert people.step(person, f" {code[:3]} {code[3:]} ", NOW) is not None
    assert people.step(person, "123", NOW) is None
    assert people.step(person, "\u0661" * 6, NOW) is None


def test_the_store_is_its_owners_alone(store: str):
    people.add(store, "ada", environment="production", now=NOW)
    assert path(store).stat().st_mode & 0o777 == 0o600
    path(store).chmod(0o640)
    with pytest.raises(errors.Refused, match="may be read by others"):
        people.read(store)


def test_a_seed_is_a_secret(store: str):
    people.add(store, "ada", environment="production", now=NOW)
    seed = json.loads(path(store).read_text("utf-8"))["people"]["ada"]["seed"]
    assert seed not in repr(people.read(store))
    assert seed not in secrets.redact(f"the seed is {seed}")


def test_a_store_that_is_gone_is_refused_and_made_by_the_first_who_is_enrolled(store: str):
    with pytest.raises(errors.Refused, match=r"is not there.*runbooks approvers add NAME"):
        people.read(store)
    people.add(store, "ada", environment="production", now=NOW)
    assert set(people.read(store)) == {"ada"}


def test_a_name_is_enrolled_once(store: str):
    people.add(store, "ada", environment="production", now=NOW)
    before = path(store).read_bytes()
    with pytest.raises(errors.Refused, match=r"enrolled already.*approvers remove ada"):
        people.add(store, "ADA", environment="production", now=NOW)
    assert path(store).read_bytes() == before


def test_a_lost_device_is_a_removal_and_an_addition(store: str):
    people.add(store, "ada", environment="production", now=NOW)
    lost = people.read(store)["ada"]
    people.remove(store, "Ada")
    assert people.read(store) == {}
    people.add(store, "ada", environment="production", now=NOW)
    assert people.step(people.read(store)["ada"], TOTP(lost.seed).at(NOW), NOW) is None


@pytest.mark.parametrize("name", ["", "a", "ada lovelace", "../ada", "ada\nbob", "x" * 60, "1ada"])
def test_what_is_no_name_is_refused(store: str, name: str):
    with pytest.raises(errors.Refused, match="no name to approve under"):
        people.add(store, name, environment="production", now=NOW)


def test_who_is_not_enrolled_cannot_be_removed(store: str):
    people.add(store, "ada", environment="production", now=NOW)
    with pytest.raises(errors.Refused, match="grace is not enrolled; ada"):
        people.remove(store, "grace")


def test_a_store_that_is_no_file_is_read_and_not_written(monkeypatch: pytest.MonkeyPatch, store: str):
    people.add(store, "ada", environment="production", now=NOW)
    monkeypatch.setenv("APPROVERS", path(store).read_text("utf-8"))
    assert set(people.read("env:APPROVERS")) == {"ada"}
    with pytest.raises(errors.Refused, match="not kept in a file"):
        people.add("env:APPROVERS", "grace", environment="production", now=NOW)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"people": {"ada": {"seed": "short", "since": "2026-03-01T00:00:00Z"}}}']
)
def test_a_broken_store_says_so(store: str, text: str):
    path(store).parent.mkdir()
    path(store).touch(mode=0o600)
    path(store).write_text(text, "utf-8")
    with pytest.raises(errors.Refused, match="cannot be read"):
        people.read(store)


@pytest.mark.parametrize(
    "typed", ["ADA", "\uff21\uff44\uff41", "a\u200bda", "\u202eada\u202c", " ada\t", "ada\0", "\ufeffada"]
)
def test_a_name_is_the_same_however_it_is_typed(typed: str):
    assert people.known(typed) == "ada"


@pytest.mark.parametrize("typed", ["\u0430da", "ad\u00e1", "a da", "ada1"])
def test_a_name_that_only_looks_alike_is_another_one(typed: str):
    assert people.known(typed) != "ada"


@pytest.mark.parametrize("name", ["ada.lovelace", "ada_lovelace", "Ada-Love-Lace"])
def test_nobody_is_enrolled_under_two_spellings(store: str, name: str):
    people.add(store, "adalovelace", environment="production", now=NOW)
    with pytest.raises(errors.Refused, match="would be adalovelace in another spelling"):
        people.add(store, name, environment="production", now=NOW)


@pytest.mark.parametrize(
    ("names", "match"),
    [
        ({"ada": "A", "Ada": "B"}, "the name 'Ada', which nobody can type"),
        ({"ada": "A", "\u202eada": "B"}, "which nobody can type"),
        ({"ada-l": "A", "ada.l": "B"}, r"one person twice, as ada-l and as ada\.l"),
        ({"ada": "A", "grace": "A"}, "one person twice, as ada and as grace"),
    ],
)
def test_one_person_who_is_there_twice_is_refused(store: str, names: dict[str, str], match: str):
    kept = {name: {"seed": seed * 32, "since": NOW.isoformat()} for name, seed in names.items()}
    path(store).parent.mkdir(mode=0o700)
    path(store).touch(mode=0o600)
    path(store).write_text(json.dumps({"people": kept}), "utf-8")
    with pytest.raises(errors.Refused, match=match):
        people.read(store)
    first, second = names
    people.remove(store, second)
    assert set(people.read(store)) == {first}


def test_a_store_that_others_can_replace_is_refused(store: str):
    people.add(store, "ada", environment="production", now=NOW)
    path(store).parent.chmod(0o777)
    with pytest.raises(errors.Refused, match="can be replaced by others"):
        people.read(store)
    path(store).parent.chmod(0o1777)
    assert set(people.read(store)) == {"ada"}
