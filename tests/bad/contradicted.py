"""Files that the database contradicts: each is said in the summary, and nothing runs."""

from __future__ import annotations

from tests import projects
from tests.bad.kind import FILE, Bad

_APPLIED = f"supabase/migrations/{projects.NOTES}.sql"
_EARLIER = "supabase/migrations/20251231000000_earlier.sql"
_GOOD = "create table public.good ();\n"

CONTRADICTED = (
    Bad(
        "edited after it was applied",
        "was changed in what it does since it was applied",
        _GOOD,
        file=_APPLIED,
        more={_APPLIED: projects.CREATE_NOTES.replace("body text", "body varchar")},
    ),
    Bad(
        "a comment added after it was applied",
        "was changed only in white space or comments",
        _GOOD,
        file=_APPLIED,
        more={_APPLIED: f"-- A note on notes.\n{projects.CREATE_NOTES}"},
    ),
    Bad(
        "below what is applied",
        "Version 20251231000000 is pending, but 20260101000001 is applied already",
        _GOOD,
        file=_EARLIER,
        more={_EARLIER: "select 1;\n"},
    ),
    Bad(
        "version of an applied one",
        "has the same version 20260101000000 as",
        _GOOD,
        file="supabase/migrations/20260101000000_again.sql",
        more={"supabase/migrations/20260101000000_again.sql": "select 1;\n"},
    ),
    Bad(
        "duplicate table",
        "1 of the 1 objects it makes exist although its history row does not: table public.notes",
        "create table public.notes (id int);\n",
        file=FILE,
    ),
    Bad(
        "duplicate column",
        "exist although its history row does not",
        "alter table public.notes add body text;\n",
        file=FILE,
    ),
)
