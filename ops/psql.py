"""Files that use psql's language, run by the real psql as scripts: what they do stays."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ops import psql_errors, psql_process, sources, statements
from ops.nature import Nature
from ops.statements import Script
from ops.verdict import Failure

TIMEOUT = timedelta(hours=1)
_OWN_TRANSACTION = {Nature.BEGIN, Nature.COMMIT, Nature.COMMIT_AND_CHAIN}
# How errors are worded is what we read them by.
_WORDING = re.compile(r"\\(?:set|unset)[ \t]+(?:VERBOSITY|SHOW_CONTEXT|ECHO)\b")
_INCLUDE_RELATIVE = re.compile(r"\\(?:ir|include_relative)[ \t]+(?=\S)")
Change = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class PsqlResult:
    """What one file did; `lost` says that the connection went, so that it may have been whole or nothing."""

    output: str
    failure: Failure | None = None
    lost: bool = False

    @property
    def ok(self) -> bool:
        return self.failure is None


def run(
    path: Path,
    dsn: str,
    *,
    root: Path,
    single_transaction: bool,
    before: str = "",
    after: str = "",
    bindir: Path | None = None,
    application: str = "supabase-runbooks",
    timeout: timedelta = TIMEOUT,
) -> PsqlResult:
    """Run a file until its first error; files that it includes count from `root`, the project's folder.

    `before` and `after` are SQL of ours. In a single transaction, which holds `after` too, the file's own BEGIN
    and COMMIT give way; without one `after` is a transaction of its own.

    Raises:
        Refused: there is no psql.
    """
    file = path.relative_to(root).as_posix()
    source = sources.read(path, root)
    if source.problem:
        return PsqlResult("", Failure(message=source.problem.removeprefix(f"{file}: "), file=file))
    with tempfile.TemporaryDirectory(prefix="runbooks-psql-") as folder:
        start, copy, end = (Path(folder) / name for name in ("start.sql", "copy.sql", "end.sql"))
        start.write_text(_start(before, single_transaction=single_transaction), encoding="utf-8")
        copy.write_text(
            _copied(source.text, path, single_transaction=single_transaction), encoding="utf-8", newline=""
        )
        end.write_text(_end(after, single_transaction=single_transaction), encoding="utf-8")
        options = ["-q", "-A", "-t", "-b", "-v", "VERBOSITY=verbose", "-v", "ON_ERROR_STOP=1"]
        arguments = [*options, *(word for each in (start, copy, end) for word in ("-f", str(each)))]
        done = psql_process.call(
            arguments, dsn, cwd=root, bindir=bindir, application=application, timeout=timeout
        )
        failure = _failure(done, file, root, {str(copy): source.text}, timeout)
    return PsqlResult(done.output, failure, lost=done.lost)


def _start(before: str, *, single_transaction: bool) -> str:
    begin = "begin;" if single_transaction else ""
    return f"{before};\n{begin}\nselect {_mark(single_transaction)} as runbooks_mark \\gset\n"


def _mark(single_transaction: bool) -> str:
    """What is the same at the end of a file if it has not left its transaction, or its session."""
    return "pg_catalog.pg_current_xact_id()" if single_transaction else "pg_catalog.pg_backend_pid()"


def _end(after: str, *, single_transaction: bool) -> str:
    left = "the transaction that it runs in" if single_transaction else "its session"
    message = f"the script leaves {left}, so what it did could not be recorded with it"
    return _END.format(
        mark=_mark(single_transaction),
        message=message,
        begin="" if single_transaction else "begin;",
        after=after,
    )


_END = """\
\\set ON_ERROR_STOP 1
\\set AUTOCOMMIT on
select {mark}::text = :'runbooks_mark' as runbooks_same \\gset
\\if :runbooks_same
\\else
do $$ begin raise exception using errcode = '2D000', message = '{message}'; end $$;
\\endif
reset session authorization;
reset role;
select pg_catalog.set_config('search_path', '', false) as runbooks_path \\gset
{begin}
{after};
commit;
"""


def _copied(text: str, path: Path, *, single_transaction: bool) -> str:
    """Return a file's text with what must be different in the copy that runs, line for line."""
    script = statements.parse(text)
    changes = [*_of_language(script, path.parent), *(_of_transactions(script) if single_transaction else ())]
    for start, end, replacement in sorted(changes, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _of_language(script: Script, folder: Path) -> Iterator[Change]:
    quoted = str(folder).replace("\\", "\\\\").replace("'", "''")
    for command in script.meta_commands:
        end = command.offset + len(command.text)
        relative = _INCLUDE_RELATIVE.match(command.text)
        if _WORDING.match(command.text):
            yield command.offset, end, ""
        elif relative and not command.text[relative.end() :].startswith(("/", "'/")):
            yield command.offset, command.offset + relative.end(), f"\\i '{quoted}/'"


def _of_transactions(script: Script) -> Iterator[Change]:
    for statement in script.statements:
        if statement.nature in _OWN_TRANSACTION:
            end = statement.offset + len(statement.text)
            yield statement.offset, end, re.sub(r"[^\n]", " ", statement.text)


def _failure(
    done: psql_process.Done, file: str, root: Path, copies: Mapping[str, str], timeout: timedelta
) -> Failure | None:
    if done.code == 0:
        return None
    if done.code is None:
        return Failure(message=f"did not end within {timeout.total_seconds():g} s and was stopped", file=file)

    def lines(name: str) -> list[str]:
        try:
            text = copies[name] if name in copies else (root / name).read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError):
            return []
        return text.split("\n")

    found = psql_errors.read(done.said, lines)
    if found is None or found.file is None:
        message = found.message if found else done.said.strip() or f"psql ended with exit code {done.code}"
        return Failure(message=message, file=file)
    if found.file in copies:
        return found.model_copy(update={"file": file})
    if Path(found.file).parent == Path(next(iter(copies))).parent:
        return found.model_copy(update={"file": file, "line": None, "column": None, "statement": None})
    place = root / found.file
    return (
        found.model_copy(update={"file": place.relative_to(root).as_posix()})
        if place.is_relative_to(root)
        else found
    )
