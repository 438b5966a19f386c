"""Who is enrolled stands in the store and in the audit log, or in neither."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from cli import people as command
from ops import errors, people

CONFIG = """\
[environments.production]
database = "file:{secrets}/dsn"
audit_key = "file:{secrets}/key"
approvers = "file:{secrets}/{store}"
"""


@pytest.fixture
def root(tmp_path: Path, shaped: str) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "dsn").write_text(shaped)
    (secrets / "key").write_text("a-fake-key-for-tests")
    found = tmp_path / "shop"
    found.mkdir()
    configure(found)
    return found


def configure(root: Path, store: str = "approvers.json") -> str:
    secrets = root.with_name("secrets")
    (root / "runbooks.toml").write_text(CONFIG.format(secrets=secrets, store=store))
    return f"file:{secrets / store}"


def events(dsn: str) -> list[tuple[str, str]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("select event, actor from runbooks.audit_log order by id").fetchall()


def test_both_say_who_is_enrolled_and_removed(root: Path, shaped: str, capsys: pytest.CaptureFixture[str]):
    store = configure(root)
    for name in ("ada", "grace"):
        assert command.add(root, "production", name) == 0
        assert "otpauth://totp/" in capsys.readouterr().out
    assert command.remove(root, "production", "grace") == 0
    assert set(people.read(store)) == {"ada"}
    assert events(shaped) == [("enrolled", "ada"), ("enrolled", "grace"), ("removed", "grace")]


def test_what_cannot_be_written_down_enrols_and_removes_nobody(
    root: Path, shaped: str, capsys: pytest.CaptureFixture[str]
):
    store = configure(root)
    command.add(root, "production", "ada")
    copy = root / "artifacts" / "ops" / "audit"
    (copy / "production.jsonl").unlink()
    (copy / "production.jsonl").mkdir()
    capsys.readouterr()
    with pytest.raises(errors.Unavailable, match="copy of the audit log"):
        command.add(root, "production", "grace")
    with pytest.raises(errors.Unavailable, match="copy of the audit log"):
        command.remove(root, "production", "ada")
    assert set(people.read(store)) == {"ada"}
    assert "otpauth" not in capsys.readouterr().out
    assert events(shaped)[-2:] == [("removed", "ada"), ("enrolled", "ada")]


def test_a_store_that_cannot_be_written_is_said_in_the_log(
    root: Path, shaped: str, capsys: pytest.CaptureFixture[str]
):
    configure(root, "key/approvers.json")
    with pytest.raises(errors.Refused, match="cannot be written"):
        command.add(root, "production", "ada")
    assert events(shaped) == [("enrolled", "ada"), ("removed", "ada")]
    assert "otpauth" not in capsys.readouterr().out
