"""An object that is to be uploaded again, as it was planned and approved."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["missing", "size", "changed"]


class Item(BaseModel):
    """One object to upload again, and all that must still hold when it is; `proof`: by what its bytes are known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    bucket: str
    name: str
    size: int
    sha256: str
    proof: Literal["digest", "size"]
    state: State
    there: str
    source: str
    id: str
    version: str | None
    tag: str
    mimetype: str | None
    cache_control: str | None
    user_metadata: dict[str, Any] | None
    owner: str | None
    public: bool

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"
