"""Where each part of a record stands in it: JMESPath, with a quick way for plain names.

Source: https://jmespath.org/specification.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from ops import errors

Find = Callable[[dict[str, Any]], Any]
_STEP = re.compile(r'(?:^|\.)(?:([A-Za-z_][A-Za-z0-9_]*)|"([^"\\]+)")|\[(-?[0-9]+)\]')


def finders(fields: Mapping[str, str]) -> dict[str, Find]:
    """Return what finds each field in a record.

    Raises:
        Refused: an expression is no JMESPath.
    """
    return {field: finder(field, expression) for field, expression in fields.items()}


def finder(field: str, expression: str) -> Find:
    """Return what finds one field; it returns null where there is nothing, as JMESPath does.

    Raises:
        Refused: the expression is no JMESPath.
    """
    if (own := name(expression)) is not None:
        return lambda record: record.get(own)
    if steps := _steps(expression.strip()):
        return lambda record: _walk(record, steps)
    return _by_jmespath(field, expression)


def name(expression: str) -> str | None:
    """Return the name that an expression is, if it is nothing else."""
    steps = _steps(expression.strip())
    return steps[0] if len(steps) == 1 and isinstance(steps[0], str) else None


def _steps(expression: str) -> tuple[str | int, ...]:
    """Return the names and numbers of an expression that has nothing else, or nothing."""
    found: list[str | int] = []
    at = 0
    while at < len(expression):
        match = _STEP.match(expression, at)
        if not match or (at == 0 and match[3] is not None):
            return ()
        found.append(int(match[3]) if match[3] is not None else match[1] or match[2])
        at = match.end()
    return tuple(found)


def _walk(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        if type(step) is str:
            if type(value) is not dict:
                return None
            value = cast("dict[str, Any]", value).get(step)
        else:
            many = cast("list[Any]", value)
            if type(value) is not list or not -len(many) <= cast("int", step) < len(many):
                return None
            value = many[cast("int", step)]
    return value


def _by_jmespath(field: str, expression: str) -> Find:
    # Imported where it is needed: most mappings are plain names.
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        compiled = jmespath.compile(expression)
    except JMESPathError as error:
        said = " ".join(str(error).split())
        raise errors.Refused(
            f"eval.fields.{field} of runbooks.toml is {expression!r}, which is no JMESPath: {said[:200]}. No record "
            "can be read by it. Mend the expression; a name with other characters than letters, digits and _ stands "
            "in double quotes."
        ) from None
    return compiled.search
