"""What a person fills in when a run waits for them: few fields, since Prefect's form hides a long text above many."""

from __future__ import annotations

from typing import Literal

from prefect.input import RunInput
from pydantic import Field


class Replay(RunInput):
    """What to do about a migration that failed."""

    decision: Literal["replay", "skip", "stop"] = Field(
        description="Replay after fixing the file, skip this migration, or stop here"
    )
    note: str = Field(default="", description="Remark for the record")


class Request(RunInput):
    """Who asks for a plan to be approved."""

    requester: str = Field(description="Your name: you ask, and somebody else approves", min_length=2)
    code: str = Field(description="The code that your authenticator shows now", min_length=6)
    note: str = Field(default="", description="What this is for")


class Decision(RunInput):
    """Whether a plan goes through the gate."""

    decision: Literal["approve", "reject"] = Field(description="Approve exactly this plan, or reject it")
    approver: str = Field(description="Your name", min_length=2)
    code: str = Field(description="The code that your authenticator shows now", min_length=6)
    note: str = Field(default="", description="Remark for the record; a rejection needs its reason")


class DecisionOrGlass(RunInput):
    """The same, where one person may decide alone in an emergency."""

    decision: Literal["approve", "reject", "break-glass"] = Field(
        description="Approve exactly this plan, reject it, or break the glass: alone, told to everybody, and reviewed"
    )
    approver: str = Field(description="Your name", min_length=2)
    code: str = Field(description="The code that your authenticator shows now", min_length=6)
    note: str = Field(
        default="", description="Remark for the record; to reject or to break the glass needs the reason"
    )


class Unproven(RunInput):
    """The same, where nobody is enrolled."""

    decision: Literal["approve", "reject"] = Field(description="Approve exactly this plan, or reject it")
    approver: str = Field(
        description="Your name; nobody is enrolled, so it is recorded as unverified", min_length=2
    )
    note: str = Field(default="", description="Remark for the record; a rejection needs its reason")
