"""What a rollback script takes away, read from its text."""

from __future__ import annotations

import pytest

from ops import data_loss, statements


@pytest.mark.parametrize(
    ("script", "lost"),
    [
        ("drop table public.a, b cascade", ["public.a", "b"]),
        ('drop table if exists "Odd Name"', ["Odd Name"]),
        ("alter table public.a drop column if exists x, drop column y", ["public.a.x", "public.a.y"]),
        ("drop schema shop cascade", ["shop.*"]),
        ("truncate a; delete from public.b where id > 1", ["a", "public.b"]),
        ("drop index public.i; drop policy p on public.a; alter table public.a drop constraint c", []),
    ],
)
def test_what_goes_is_named(script: str, lost: list[str]):
    assert [str(loss) for loss in data_loss.find(statements.parse(script))] == lost


def test_what_cannot_be_read_is_said():
    assert data_loss.unread(statements.parse("do $$ begin drop table a; end $$"))
    assert not data_loss.unread(statements.parse("drop table a"))
