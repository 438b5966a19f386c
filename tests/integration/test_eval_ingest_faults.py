"""Killed and cut off inside the COPY: nothing is half there, and the next time it is ingested whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ops import embedded, errors, eval_ingest, eval_ingest_copy
from ops.eval_night import Night
from tests import fix_app, fix_eval_tables, fix_listening, fix_postgres, fix_proxy
from tests.fix_eval_tables import night, sample
from tests.polling import wait_until

Nights = Callable[..., Night]
SAMPLES = [sample(number) for number in range(1, 2001)]
COUNTS = "select (select count(*) from public.ai_eval_runs), (select count(*) from public.ai_eval_samples)"
COPYING = (
    "select count(*) from pg_stat_activity"
    " where query like 'copy %' and state = 'active' and datname = current_database()"
)


def stopping(root: Path, dsn: str) -> None:
    """Ingest a night, and stop for ever in the middle of its COPY; in a process of its own."""
    rows = eval_ingest_copy.rows

    def halfway(*arguments: object):
        for piece in rows(*arguments):  # pyright: ignore[reportArgumentType]
            yield piece
            (root / "halfway").touch()
            signal.pause()

    eval_ingest_copy._CHUNK = 40_000
    eval_ingest_copy.rows = halfway
    eval_ingest.ingest(night(root, dsn, SAMPLES))


def test_killed_inside_the_copy(tmp_path: Path, nights: Nights, storefront: str):
    module = "tests.integration.test_eval_ingest_faults"
    code = f"import pathlib, {module} as m; m.stopping(pathlib.Path({str(tmp_path)!r}), {storefront!r})"
    with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2]) as process:
        wait_until(lambda: (tmp_path / "halfway").exists() or process.poll() is not None, seconds=60)
        assert process.poll() is None
        assert fix_app.ask(storefront, COPYING) == [(1,)]
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: fix_app.ask(storefront, COPYING) == [(0,)])
    assert fix_app.ask(storefront, COUNTS) == [(0, 0)]
    assert eval_ingest.ingest(nights(SAMPLES)).changed
    assert fix_app.ask(storefront, COUNTS) == [(1, 2000)]


def test_cut_off_inside_the_copy(nights: Nights, listening: embedded.Server):
    with fix_postgres.fresh_database(listening) as name:
        direct = listening.dsn(name)
        fix_eval_tables.migrate(direct)
        for cut in (40_000, 100_000, 200_000):
            with fix_proxy.proxy(listening.port, at=cut) as proxy:
                one = nights(SAMPLES, fix_listening.address(listening, port=proxy.port, dbname=name))
                with pytest.raises(errors.Unavailable):
                    eval_ingest.ingest(one)
                assert (proxy.happened, fix_app.ask(direct, COUNTS)) == (True, [(0, 0)])
        with fix_proxy.proxy(listening.port) as proxy:
            one = nights(SAMPLES, fix_listening.address(listening, port=proxy.port, dbname=name))
            assert one.connection
            proxy.close()
            with pytest.raises(errors.Unavailable):
                eval_ingest.ingest(one)
            assert eval_ingest.ingest(one).changed, "the same night tries again"
            one.close()
        assert fix_app.ask(direct, COUNTS) == [(1, 2000)]
