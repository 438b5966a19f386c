"""Tell the stakeholders of a project what was released: supabase-operations.md, "Post-Deployment"."""

from __future__ import annotations

from datetime import timedelta

from ops import secrets
from ops.evidence import Evidence
from ops.project import Project


def tell(project: Project, text: str, *, timeout: timedelta = timedelta(seconds=10)) -> Evidence:
    """Tell the stakeholders' webhook, where one is configured; what was said is in the rows.

    It never raises: stakeholders who could not be told are a finding, and the release stands.
    """
    said = secrets.redact(text)
    if project.release.stakeholders is None:
        return Evidence(
            ok=True, idle=True, summary="No stakeholders' webhook is configured, so nobody was told."
        )
    # Not before somebody is to be told: an HTTP client takes long to import.
    from ops import webhook

    # Without these three a file's name could ping a channel or pass for a link.
    escaped = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    told = webhook.tell("stakeholders' channel", project.release.stakeholders, escaped, timeout=timeout)
    return Evidence(ok=told.ok, summary=told.summary, rows=({"told": told.ok, "said": said},))
