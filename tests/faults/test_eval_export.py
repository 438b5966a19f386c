"""An export that is killed or cut off goes on where it was, and ends in the very file of one clean run."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ops import embedded, errors
from ops.eval_night import EvalChoices
from tests import fix_eval_export, fix_listening, fix_postgrest, fix_proxy
from tests.faults import exporting
from tests.faults.exporting import Death
from tests.fix_eval_export import DAY, T0, Site, keys

both = pytest.mark.parametrize("kind", ["rest", "copy"])


@pytest.fixture
def site(export_site: Site) -> Site:
    return export_site


def variables(site: Site) -> dict[str, str]:
    site.configure()
    return {name: value for name, value in os.environ.items() if name.startswith("EVAL_")}


def clean(site: Site, choices: EvalChoices) -> bytes:
    """Export into another folder, in one go."""
    root, site.root = site.root, site.root.with_name("clean")
    try:
        return site.export(choices).path.read_bytes()
    finally:
        site.root = root


@both
def test_killed_at_every_page_and_in_the_midst_of_it(site: Site, kind: str):
    site.kind, site.page = kind, 40
    site.add(110, body="from jo@example.com")
    whole = clean(site, DAY)
    # Begun, three pages, the whole.
    for death in [Death(page, before) for page in range(1, 6) for before in (True, False)]:
        site.root = site.root.with_name(f"{kind}-{death.page}-{death.before}")
        code = exporting.killed(site.root, variables(site), DAY, death)
        assert code == -signal.SIGKILL
        found = site.export(DAY, "night-2")
        assert found.path.read_bytes() == whole, death
        assert found.records == 110


def test_a_killed_night_goes_on_with_the_same_window(site: Site):
    site.page = 40
    site.add(110, start=datetime.now(UTC) - timedelta(hours=3))
    death = Death(3, before=True)
    assert exporting.killed(site.root, variables(site), EvalChoices(), death) == -signal.SIGKILL
    read = [key for key, _ in site.rows()]
    site.add(20, start=datetime.now(UTC), every=timedelta(0))
    first = site.export(EvalChoices(), "night-2", ingest=True)
    assert keys(first) == read
    assert first.window.end < datetime.now(UTC)
    second = site.export(EvalChoices(), "night-3", ingest=True)
    assert second.records == 20


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.95])
def test_a_connection_that_is_cut_in_mid_page_goes_on(site: Site, share: float):
    site.kind, site.page = "rest", 40
    site.add(200, body="A clean cup. " * 30)
    whole = clean(site, DAY)
    parts = urlsplit(site.rest.url)
    with fix_proxy.proxy(parts.port or 0, at=int(len(whole) * share), cut="dead") as cut:
        site.url = f"http://127.0.0.1:{cut.port}/"
        with pytest.raises(errors.Unavailable, match="cut off"):
            site.export(DAY, "night-1")
        assert not (site.root / "artifacts/evals/production/nightly-sitecraft/export.json").exists()
    site.url = ""
    assert site.export(DAY, "night-2").path.read_bytes() == whole


def test_a_connection_that_is_cut_once_is_made_again(site: Site):
    site.kind, site.page = "rest", 40
    site.add(200, body="A clean cup. " * 30)
    whole = clean(site, DAY)
    with fix_proxy.proxy(urlsplit(site.rest.url).port or 0, at=len(whole) // 2) as cut:
        site.url = f"http://127.0.0.1:{cut.port}/"
        assert site.export(DAY).path.read_bytes() == whole
        assert cut.happened


def test_a_login_that_is_cut_in_the_copy_goes_on(listening: embedded.Server, tmp_path: Path):
    nobody = fix_postgrest.PostgRest("http://127.0.0.1:9/", "none")
    with (
        fix_eval_export.tables(listening) as name,
        fix_eval_export.site(listening, name, nobody, tmp_path / "shop") as site,
    ):
        site.page = 40
        site.add(3000, body="A clean cup. " * 30)
        whole = clean(site, DAY)
        direct = site.dsn
        with fix_proxy.proxy(listening.port, at=len(whole) // 2, cut="dead") as cut:
            site.dsn = fix_listening.address(listening, port=cut.port, dbname=name)
            with pytest.raises(errors.Unavailable):
                site.export(DAY)
        site.dsn = direct
        assert site.export(DAY, "night-2").path.read_bytes() == whole


def test_records_that_come_while_a_cut_export_waits_are_not_lost(site: Site):
    site.page = 40
    site.add(110, every=timedelta(minutes=1))
    death = Death(3, before=False)
    assert exporting.killed(site.root, variables(site), DAY, death) == -signal.SIGKILL
    site.add(5, start=T0 + timedelta(hours=1, minutes=45), every=timedelta(0))
    found = site.export(DAY, "night-2")
    assert sorted(keys(found)) == sorted(key for key, _ in site.rows())
