"""Contracts that a team commits: read back, and what is wrong with one said."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ops import errors

C = TypeVar("C", bound=BaseModel)


def read(path: Path, kind: type[C], *, unsaid: str, declare: str) -> C:
    """Read a committed contract; `unsaid` is what nobody has said without it, `declare` the command that writes one.

    Raises:
        Refused: there is no such file, or it is no contract.
    """
    try:
        return kind.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError:
        raise errors.Refused(
            f"{path} does not exist, so nobody has said {unsaid}. Write it from a database that is right: "
            f"{declare} NAME_OF_SECRET --out {path}; read it, and commit it."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Refused(f"{path} cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise errors.Refused(
            f"{path}: {where}: {first['msg']}. Mend that, or write the contract again with {declare}."
        ) from None
