"""An app with people, whose rows lead to each other in many ways, and a project that says how they are erased."""

from __future__ import annotations

from pathlib import Path

import psycopg

from ops import gdpr_erasure, gdpr_erasure_end, gdpr_erasure_steps
from ops.gdpr_erasure import Erasing, ErasureChoices
from tests import projects

ADA = "11111111-1111-4111-8111-111111111111"
BOB = "22222222-2222-4222-8222-222222222222"
EMAIL = "ada.lovelace@example.com"
NAME = "Ada Lövelace"
TABLES = """\
create table public.people (
    id uuid primary key, email text unique, full_name text not null, phone text, likes text
);
create table public.posts (
    id bigint generated always as identity primary key,
    author_id uuid not null references public.people (id),
    pinned bigint references public.posts (id) deferrable,
    title text not null, body jsonb not null default '{}'
);
create table public.comments (
    post_id bigint not null references public.posts (id) on delete cascade,
    number integer not null,
    writer_id uuid references public.people (id) on delete restrict,
    answers_post bigint, answers_number integer,
    body text not null,
    primary key (post_id, number),
    foreign key (answers_post, answers_number) references public.comments (post_id, number)
);
create table public.orders (
    id bigint generated always as identity primary key,
    person_id uuid not null references public.people (id),
    total numeric(8, 2) not null, address text, note json
);
create table public.order_lines (
    order_id bigint not null references public.orders (id), what text not null
);
create table public.logins (person uuid, address text not null, at timestamptz not null default now());
create table public.invitations (
    id bigint primary key, by_person uuid references public.people (id) on delete set null, code text not null
);
"""
ROWS = f"""\
insert into public.people values
('{ADA}', '{EMAIL}', '{NAME}', '+44 20 7946 0000', 'tea'), ('{BOB}', 'bob@example.com', 'Bob Stone', null, 'tea');
insert into public.posts (author_id, title) values ('{ADA}', 'of ada'), ('{BOB}', 'of bob'), ('{ADA}', 'again');
update public.posts set pinned = 3 where id = 1;
update public.posts set pinned = 1 where id = 3;
insert into public.comments values
(1, 1, '{BOB}', null, null, 'nice'), (2, 1, '{ADA}', null, null, 'hello'), (2, 2, '{BOB}', 2, 1, 'an answer'),
(2, 3, '{BOB}', null, null, 'unrelated');
insert into public.orders (person_id, total, address, note) values
('{ADA}', 10, '1 St James Square', '{{"for": "{NAME}"}}'), ('{BOB}', 20, 'somewhere', '{{}}');
insert into public.order_lines values (1, 'a book'), (2, 'a pen');
insert into public.logins (person, address) values ('{ADA}', '192.0.2.7'), ('{BOB}', '192.0.2.8');
insert into public.invitations values (1, '{ADA}', 'x'), (2, '{BOB}', 'y');
"""
ERASURE = """\
[erasure]
table = "public.people"
key = "file:{key}"
identifying = ["email", "full_name", "phone"]

[erasure.tables."public.people"]
action = "anonymise"
set = {{ full_name = "erased", email = "{{random}}@erased.invalid" }}
null = ["phone", "likes"]

[erasure.tables."public.posts"]
action = "delete"
by = ["author_id"]
detach = ["pinned"]

[erasure.tables."public.comments"]
action = "delete"
by = ["writer_id", "post_id"]
detach = ["answers_post, answers_number"]

[erasure.tables."public.orders"]
action = "anonymise"
null = ["address", "note"]

[erasure.tables."public.order_lines"]
action = "keep"
why = "what was bought says nothing of who bought it"

[erasure.tables."public.logins"]
action = "delete"
by = ["person"]

[erasure.tables."public.invitations"]
action = "keep"
why = "codes are nobody's"
by = []
leave = ["by_person"]
"""
CONFIG = """\
[environments.production]
database = "file:{dsn}"
lock_timeout = "PT30S"

"""
KEY = "a-fake-key-of-erasures"


def execute(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(text.encode())


def write(root: Path, dsn: str, *, erasure: str = ERASURE, more: str = "", subject: str = ADA) -> Path:
    """Write the project, with its secrets in files beside it, and return it; the subject is request 17."""
    secrets = {"shop.dsn": dsn, "erasure.key": KEY, "request-17": subject}
    for name, value in secrets.items():
        (root / name).write_text(value, "utf-8")
    config = CONFIG.format(dsn=root / "shop.dsn") + erasure.format(key=root / "erasure.key") + more
    return projects.write(root / "shop", config=config, migrations={projects.NOTES: projects.CREATE_NOTES})


def reference(project: Path) -> str:
    return f"file:{project.parent / 'request-17'}"


def begin(project: Path, run: str = "run") -> Erasing:
    """Do what a run does before its gate, and return it."""
    plan = gdpr_erasure.plan(str(project), "production", reference(project), ErasureChoices(request="17"))
    erasing = gdpr_erasure.opened(plan)
    erasing.as_run(run)
    gdpr_erasure_steps.find(erasing)
    return erasing


def finish(erasing: Erasing) -> gdpr_erasure_end.ErasureResult:
    """Do what a run does once its gate is passed."""
    if erasing.due:
        gdpr_erasure_steps.erase(erasing)
    found = gdpr_erasure_steps.verify(erasing)
    assert found.ok, found.summary
    gdpr_erasure_steps.log_completion(erasing)
    return gdpr_erasure_end.conclude(erasing)


def everything(dsn: str, *tables: str) -> dict[str, list[str]]:
    """Return every row of these tables, or of all that the app has."""
    listed = "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public'"
    with psycopg.connect(dsn) as connection:
        names = tables or tuple(name for (name,) in connection.execute(listed))
        return {
            name: sorted(
                row for (row,) in connection.execute(f"select to_jsonb(t)::text from {name} t".encode())
            )
            for name in names
        }
