"""`[environments.NAME.storage]`: where the files of Storage are, where a copy is, and how long they are kept."""

from __future__ import annotations

from pydantic import Field

from ops.settings import Strict


class Lifecycle(Strict):
    """`[[environments.NAME.storage.lifecycle]]`: objects under a prefix are removed after so many days, not before."""

    bucket: str
    prefix: str = ""
    days: int = Field(ge=1)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix} after {self.days} days"

    def covers(self, bucket: str, name: str) -> bool:
        """Whether an object falls under this rule."""
        return bucket == self.bucket and name.startswith(self.prefix)


class FileStorage(Strict):
    """Where Storage answers, and what is looked at of it."""

    url: str = Field(description="secret reference of the project's URL")
    key: str = Field(description="secret reference of the service role's key")
    backup: str | None = Field(
        default=None,
        description="secret reference of the folder with a copy of the buckets: BUCKET/PATH below it",
    )
    files: str | None = Field(
        default=None,
        description="self-hosted: secret reference of the folder in which Storage keeps the buckets",
    )
    sample: int = Field(default=20, ge=1, le=1000, description="so many objects are read whole, and signed")
    most: int = Field(
        default=20_000, ge=1, description="so many objects are asked for at most, chosen at random"
    )
    lifecycle: tuple[Lifecycle, ...] = ()
