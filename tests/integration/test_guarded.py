"""A guarded database is approved for under its own name only, whichever environment leads there."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import embedded, errors, guarded, project
from ops.project import Environment, Project
from tests import fix_postgres
from tests.fix_people import Site
from tests.releases import Shop

CONFIG = """
[environments.production]
database = "env:PRODUCTION"
approvers = "file:/nowhere/approvers.json"
guarded = true
four_eyes = true

[environments.staging]
database = "env:STAGING"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str) -> Site:
    found = Site(tmp_path, monkeypatch, shaped)
    (found.root / "runbooks.toml").write_text(CONFIG)
    monkeypatch.setenv("STAGING", shaped)
    staging = Environment(name="staging", database="env:STAGING")
    found.change(**staging.model_dump())
    return found


def other_road(dsn: str, tmp_path: Path, server: embedded.Server) -> str:
    """Return a DSN of the same database that is another one to look at."""
    road = tmp_path / "road"
    road.symlink_to(server.host)
    return dsn.replace(dsn[dsn.index("host=") : dsn.index("&")], f"host={road}")


def refused(site: Site) -> None:
    with (
        pytest.raises(errors.Refused, match="that of the environment 'production', which is guarded"),
        site.open(),
    ):
        pass


def test_the_same_address_under_another_name_is_refused(site: Site):
    refused(site)


def test_another_road_to_it_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: embedded.Server
):
    other = other_road(site.dsn, tmp_path, server)
    assert not guarded.places(other) & guarded.places(site.dsn)
    monkeypatch.setenv("STAGING", other)
    refused(site)


def test_the_apps_own_variable_is_no_way_round(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", site.dsn)
    nameless = Environment(name="preview")
    with pytest.raises(errors.Refused, match="'preview' is that of the environment 'production'"):
        guarded.verify(site.root, nameless, reference="env:DATABASE_URL")


def test_a_rehearsal_finds_it_on_another_road_too(site: Site, tmp_path: Path, server: embedded.Server):
    operated: Project = project.load(site.root)
    with pytest.raises(errors.Refused, match="leads to the database of the environment 'production'"):
        guarded.refuse(operated, other_road(site.dsn, tmp_path, server))


def test_another_database_of_the_same_server_is_not_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, server: embedded.Server
):
    with fix_postgres.fresh_database(server) as name:
        monkeypatch.setenv("STAGING", server.dsn(name))
        with site.open() as gate:
            assert gate.standing().status == "open"


def test_one_that_cannot_be_asked_is_compared_by_its_dsn_and_that_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("PRODUCTION", "postgresql://postgres@127.0.0.1:9/postgres")
    with site.open():
        pass
    assert "that of 'production' does not answer, so their DSNs alone were compared" in caplog.text
    monkeypatch.delenv("PRODUCTION")
    with site.open():
        pass
    assert "The DSN of 'production' cannot be opened here" in caplog.text


def test_a_second_name_that_is_as_careful_is_let_in(site: Site):
    operated = project.load(site.root)
    twin = operated.environment("production").model_copy(update={"name": "twin"})
    guarded.verify(site.root, twin)
    with pytest.raises(errors.Refused, match="guarded"):
        guarded.verify(site.root, twin.model_copy(update={"four_eyes": False}))


def test_a_promotion_in_this_process_is_refused_under_another_name(
    tmp_path: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    shop = Shop(tmp_path / "shop", shaped, monkeypatch)
    monkeypatch.setenv("LIVE", shaped)
    shop.configure("", "", '[environments.live]\ndatabase = "env:LIVE"\nguarded = true\n')
    assert shop.rehearse().ok
    with pytest.raises(errors.Refused, match="that of the environment 'live', which is guarded"):
        shop.promote()
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]
