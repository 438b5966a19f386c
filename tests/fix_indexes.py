"""Orders that nobody has an index for, and an app that asks for them again and again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator

import psycopg
import pytest

from tests.fix_checks import Checkup

INDEX = "orders_customer_idx"
SLOW = "update public.orders set note = 'seen' where customer = %s"
VALID = f"select indisvalid from pg_index where indexrelid = to_regclass('public.{INDEX}')"
WHY = "orders are found too slowly"
SHORT = """\
lock_timeout = "PT1S"
[environments.production.checks]
incident_span = "1 s"
"""


@pytest.fixture
def orders(checkup: Checkup) -> Checkup:
    """Fifty thousand orders whose customer has no index."""
    checkup.configure(SHORT)
    checkup.sql(
        "create table public.orders (id bigint primary key, customer int, note text);"
        "insert into public.orders select n, n % 5000, 'order ' || n from generate_series(1, 50000) n;"
        "analyze public.orders"
    )
    return checkup


def quiet(done: int, whole: int, what: str) -> None:
    """Hear of progress, and say nothing."""


@contextlib.contextmanager
def traffic(dsn: str, query: str = SLOW, *values: int | str) -> Generator[None]:
    """Ask this again and again for as long as the block runs."""
    over = threading.Event()

    def ask() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not over.is_set():
                connection.execute(query.encode(), values or (7,))
                over.wait(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
