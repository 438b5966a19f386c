"""Which texts are changed so that a block can create an event trigger."""

from __future__ import annotations

import pytest

from ops import shape

CREATE = "create event trigger e on sql_drop execute function f()"


def test_a_block_calls_the_function_that_creates_it() -> None:
    text = f"do $$ begin {CREATE}; end $$"
    expected = "perform runbooks.create_event_trigger('e', 'sql_drop', null, 'f'::regproc)"
    assert shape.adapted("do_stmt", text) == f"do $$ begin {expected}; end $$"


def test_names_and_tags_stay_and_so_do_the_lines() -> None:
    text = (
        "DO $body$\nBEGIN\n  CREATE EVENT TRIGGER \"My 'Event'\"\n  ON ddl_command_end\n"
        "  WHEN TAG IN ('CREATE TABLE',\n    'ALTER TABLE')\n  EXECUTE PROCEDURE public.f();\nEND $body$"
    )
    adapted = shape.adapted("do_stmt", text)
    assert "'My ''Event'''" in adapted
    assert "array['CREATE TABLE',\n    'ALTER TABLE'], 'public.f'::regproc)" in adapted
    assert adapted.splitlines()[-1] == "END $body$"
    assert len(adapted.splitlines()) == len(text.splitlines())


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("create_event_trig_stmt", CREATE),
        (
            "create_function_stmt",
            f"create function f() returns void language plpgsql as $$ begin {CREATE}; end $$",
        ),
        ("do_stmt", "do $$ begin create table t (); end $$"),
        ("do_stmt", f"do $$ begin execute '{CREATE}'; end $$"),
        ("do_stmt", f"do $$ begin execute $q$ {CREATE} $q$; end $$"),
        ("do_stmt", f"do $$ begin /* {CREATE} */ null; -- {CREATE}\n end $$"),
        ("do_stmt", f"do 'begin {CREATE}; end'"),
    ],
)
def test_everything_else_stays_as_it_is(kind: str, text: str) -> None:
    assert shape.adapted(kind, text) == text
