"""The way of the Management API: it is asked once, waited for, and what it brings back is paused again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from ops import embedded, errors, prod_restore_ways
from ops.project import Environment
from tests import fix_app, fix_pause, fix_restored
from tests.fix_restored import Past


class Api:
    """Stands in for the Management API, and really sets the database back; it takes two looks to be up again."""

    def __init__(self, past: Past) -> None:
        self.asked: list[datetime] = []
        self._past = past
        self._looks = 0

    def restore(self, at: datetime) -> None:
        self.asked.append(at)
        self._past.come_back()
        self._looks = 2

    def ready(self) -> bool:
        self._looks -= 1
        return self._looks < 0


def test_it_is_asked_once_and_what_it_brings_back_is_paused_again(
    tmp_path: Path,
    server: embedded.Server,
    shaped: str,
    shaped_name: str,
    monkeypatch: pytest.MonkeyPatch,
):
    fix_app.execute(shaped, fix_pause.TABLES)
    project = fix_pause.write(tmp_path, shaped)
    past = Past(server, shaped_name)
    fix_app.execute(shaped, "delete from public.notes")
    approved = ("approve", "ada", "")
    fix_restored.answering(monkeypatch, approved, approved)
    with pytest.raises(errors.Refused, match="does not say which hosted project it is"):
        fix_restored.run(project, past.at, way="api")

    api = Api(past)

    def stand_in(environment: Environment) -> Api:
        return api

    monkeypatch.setattr(prod_restore_ways, "point_in_time", stand_in)
    fix_restored.answering(monkeypatch, ("reject", "ada", "not yet"))
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at, way="api")
    assert api.asked == [past.at]
    able = "select has_table_privilege('service_role', 'public.notes', 'insert')"
    assert fix_app.ask(shaped, able) == [(False,)]

    fix_restored.answering(monkeypatch, approved)
    found = fix_restored.run(project, past.at, way="api")
    assert (found.state, api.asked) == ("enabled", [past.at])
    assert fix_app.ask(shaped, able) == [(True,)]
    assert "the Management API is asked to restore" in [row["what"] for row in found.timeline]
    past.forget()
