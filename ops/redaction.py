"""Takes opened secrets out of every log record and every uncaught traceback of this process."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, cast

from ops import secrets

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime"}


class RedactionFilter(logging.Filter):
    """Masks opened secrets in a record, in what was added to it by `extra` too."""

    def filter(self, record: logging.LogRecord) -> bool:
        _scrub(record)
        for key in record.__dict__.keys() - _STANDARD:
            value: object = record.__dict__[key]
            if isinstance(value, str | dict | list):
                record.__dict__[key] = secrets.redact_nested(cast("object", value))
        return True


class _RecordFactory:
    """Makes records as before and redacts them, so that a handler added later needs no filter."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        _scrub(record)
        return record


class _ExceptHook:
    """Prints an uncaught traceback as the hook before it would, unless a secret stands in it."""

    def __init__(self, before: Callable[..., object]) -> None:
        self._before = before

    def __call__(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        clean = secrets.redact(text)
        if clean == text:
            self._before(kind, error, trace)
        else:
            sys.stderr.write(clean)


def install() -> None:
    """Redact every log record from now on, whoever makes and handles it, and every uncaught traceback.

    Handlers that exist get the filter as well, which sees what `extra` added. Calling it again is harmless,
    and is needed after a library has replaced the handlers.
    """
    make = logging.getLogRecordFactory()
    if not isinstance(make, _RecordFactory):
        logging.setLogRecordFactory(_RecordFactory(make))
    for handler in _handlers():
        if not any(isinstance(each, RedactionFilter) for each in handler.filters):
            handler.addFilter(RedactionFilter())
    if not isinstance(sys.excepthook, _ExceptHook):
        sys.excepthook = _ExceptHook(sys.excepthook)
        threading.excepthook = _thread_excepthook


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.getLogger().handlers
    for logger in list(logging.getLogger().manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


def _thread_excepthook(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit and args.exc_value is not None:
        sys.excepthook(args.exc_type, args.exc_value, args.exc_traceback)


def _scrub(record: logging.LogRecord) -> None:
    _scrub_message(record)
    if record.exc_info and record.exc_info[0] is not None:
        text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        clean = secrets.redact(text)
        if clean != text:
            record.exc_info, record.exc_text = None, clean
    if record.exc_text:
        record.exc_text = secrets.redact(record.exc_text)


def _scrub_message(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:
        # logging would complain on stderr about such a record, with its arguments as they are.
        record.msg, record.args = secrets.redact(f"{record.msg} {record.args!r}"), ()
        return
    clean = secrets.redact(message)
    if clean == message:
        return
    if isinstance(record.args, tuple):
        # Some formatters take the arguments one by one, so their number is kept where that is enough.
        record.args = tuple(secrets.redact(arg) if isinstance(arg, str) else arg for arg in record.args)
    if secrets.redact(record.getMessage()) != record.getMessage():
        record.msg, record.args = clean, ()
