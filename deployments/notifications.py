"""Who is told when a run waits, fails or does not begin: Prefect's own automations, made by us and safe to make twice.

They tell a webhook that takes `{"text": ...}`, as those of chat programs do. Its address lies encrypted in Prefect's
database, from where whoever may use the API can read it.
"""

from __future__ import annotations

from typing import cast
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.types import SecretDict

from deployments.standing import PASSWORD, Standing
from ops import secrets

BLOCK = "runbooks-operators"
_BODY = "{{ flow_run.name }}: {{ flow_run.state.message or '' }} {{ flow_run|ui_url }}"
_TOLD = {
    "runbooks: a run waits": (
        {"prefect.flow-run.Suspended", "prefect.flow-run.Paused"},
        "waits for somebody",
    ),
    "runbooks: a run failed": (
        {"prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.TimedOut"},
        "has failed",
    ),
    "runbooks: a run is late": ({"prefect.flow-run.Late"}, "has not begun"),
}


def install(here: Standing, client: SyncPrefectClient) -> None:
    """Let the webhook be told that the settings name; what an operator has switched off stays off.

    Raises:
        Refused: its address is not where its name says.
    """
    if here.settings.notify is None:
        return
    block = _block(here, _opened(here, here.settings.notify))
    for name, (events, what) in _TOLD.items():
        wanted = AutomationCore(
            name=name,
            description="Made by `runbooks up`, which makes it anew.",
            trigger=EventTrigger(
                expect=events,
                match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[
                SendNotification(block_document_id=block, subject="{{ flow.name }} " + what, body=_BODY)
            ],
        )
        found = client.read_automations_by_name(name)
        if found:
            client.update_automation(found[0].id, wanted.model_copy(update={"enabled": found[0].enabled}))
        else:
            client.create_automation(wanted)


def _opened(here: Standing, named: str) -> str:
    kind, _, name = named.partition(":")
    # The file of variables is the worker's environment, and not ours.
    if kind == "env" and name in here.environment:
        return here.environment[name]
    return secrets.open_secret(named)


def _block(here: Standing, address: str) -> UUID:
    secrets.remember(address)
    block = CustomWebhookNotificationBlock(
        name=BLOCK,
        headers=None,
        cookies=None,
        url="{{address}}",
        json_data={"text": "{{subject}}\n{{body}}"},
        secrets=SecretDict({"address": address}),
    )
    password = here.environment.get(PASSWORD)
    with temporary_settings({PREFECT_API_URL: f"{here.address}/api", PREFECT_API_AUTH_STRING: password}):
        return cast("UUID", block.save(BLOCK, overwrite=True))
