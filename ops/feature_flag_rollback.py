"""One feature of the app switched off, or as it was before. Source: database-pipeline.md, "Feature Flag Rollback"."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ops import feature_flags, switch
from ops.choices import in_order
from ops.feature_flags import FeatureFlag
from ops.switch import Mode, SwitchPlan


class FlagChoices(BaseModel):
    """In which direction, and why."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=in_order
    )

    put_back: bool = Field(default=False, description="Put back what the flag was before it was switched off")
    reason: str = Field(default="", description="Why, for the record")
    even_if_changed: bool = Field(
        default=False, description="Put it back even if somebody has changed it since"
    )
    out: str = Field(default="", description="Folder of the evidence; default: the project's own")


def plan(path: str, environment: str, flag: str, choices: FlagChoices) -> SwitchPlan:
    """Say which flag would be switched; reads files only.

    Raises:
        Refused: the project or the environment has a mistake, or the flag is not known.
    """
    return switch.plan(
        path,
        environment,
        lambda operated: FeatureFlag(operated.flags, environment, feature_flags.known(operated.flags, flag)),
        mode=Mode.PUT_BACK if choices.put_back else Mode.SWITCH,
        reason=choices.reason,
        even_if_changed=choices.even_if_changed,
        out=choices.out,
    )
