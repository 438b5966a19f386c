"""Tell a pull request on GitHub how its gate ended: one comment that is kept up to date, and the commit's status.

Both are courtesies: what could not be told is a finding, and the exit code is the verdict.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ops import errors, pull_request_note, secrets
from ops.choices import PullRequestChoices
from ops.pull_request_result import PullRequest
from ops.verdict import Verdict

if TYPE_CHECKING:
    import httpx

TIMEOUT = timedelta(seconds=10)
_PUBLIC = "https://api.github.com"
_PAGE = 100
_MOST_PAGES = 50
_DESCRIPTION = 140
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_REF = re.compile(r"refs/pull/(\d+)/")
_INSIDERS = {"OWNER", "MEMBER", "COLLABORATOR"}
_STATES = {Verdict.PASSED: "success", Verdict.UNAVAILABLE: "error"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to tell: the repository, the pull request's number and the commit whose status is set."""

    api: str
    repository: str
    number: int
    commit: str
    page: str | None
    token: str = field(repr=False)


def learn_token(choices: PullRequestChoices) -> None:
    """Keep the token out of all output from now on, where there is to be one; that there is none is said later."""
    if choices.comment or choices.status:
        with contextlib.suppress(errors.Refused):
            secrets.open_secret(choices.token)


def tell(choices: PullRequestChoices, found: PullRequest) -> tuple[str, ...]:
    """Write the comment and the status that are asked for; return a sentence for each that could not be.

    It never raises: that nobody could be told is a finding, not a failed gate.
    """
    if not (choices.comment or choices.status):
        return ()
    try:
        place = find(choices, found, os.environ)
    except errors.OpsError as error:
        return (f"The pull request was not told: {error}",)
    return tuple(_telling(place, choices, found))


def find(choices: PullRequestChoices, found: PullRequest, environment: Mapping[str, str]) -> Place:
    """Return where to tell, from what was chosen and from what GitHub Actions says.

    Raises:
        Refused: it is not known where, or the token cannot be opened.
    """
    event = _event(environment)
    repository = choices.repository or environment.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise errors.Refused(
            f"{repository!r} is no repository. Name it as owner/name with --repository, or run in GitHub Actions."
        )
    said = _REF.match(environment.get("GITHUB_REF", ""))
    number = choices.number or int(event.get("number") or (said[1] if said else 0))
    if choices.comment and number < 1:
        raise errors.Refused("The pull request's number is not known. Give it with --number.")
    # What Actions checks out is a merge of the two, which nobody sees: the status belongs to the branch's own.
    commit = str(event.get("head") or found.branch.head or "")
    return Place(
        api=environment.get("GITHUB_API_URL", _PUBLIC).rstrip("/"),
        repository=repository,
        number=number,
        commit=commit,
        page=_page(environment),
        token=secrets.open_secret(choices.token),
    )


def context(project: str) -> str:
    """Return the name of the status."""
    return f"pr-gate ({project})"


def _telling(place: Place, choices: PullRequestChoices, found: PullRequest) -> Iterator[str]:
    # An HTTP client takes as long to import as ten migrations to prove.
    import httpx

    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {place.token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    try:
        with httpx.Client(
            base_url=place.api, headers=headers, timeout=TIMEOUT.total_seconds(), follow_redirects=True
        ) as client:
            for asked, what, do in (
                (choices.comment, "comment", _comment),
                (choices.status, "commit status", _status),
            ):
                if asked and (why := _tried(client, place, found, do)):
                    yield f"The {what} was not written: {why}"
    except (httpx.InvalidURL, UnicodeError) as error:
        why = f"{place.api} is no address, or the token has letters that none has ({type(error).__name__})"
        yield f"The pull request was not told: {why}."


def _tried(client: httpx.Client, place: Place, found: PullRequest, do: Any) -> str | None:
    import httpx

    try:
        do(client, place, found)
    except errors.Refused as error:
        return str(error)
    except httpx.HTTPStatusError as error:
        return _answered(error.response)
    except httpx.TimeoutException:
        return f"GitHub did not answer within {TIMEOUT.total_seconds():g} s. Run it again."
    except httpx.HTTPError as error:
        return f"GitHub was not reached ({type(error).__name__}). Run it again."
    return None


def _comment(client: httpx.Client, place: Place, found: PullRequest) -> None:
    """Bring our comment up to date, or write the first one."""
    body = {"body": pull_request_note.markdown(found)}
    mark = pull_request_note.marker(found.project)
    for identity in _ours(client, place, mark):
        answer = client.patch(f"/repos/{place.repository}/issues/comments/{identity}", json=body)
        if answer.status_code not in {403, 404}:
            answer.raise_for_status()
            return
    # There is none, or it is somebody else's, or was deleted meanwhile.
    _post(client, f"/repos/{place.repository}/issues/{place.number}/comments", body)


def _post(client: httpx.Client, path: str, body: Mapping[str, object]) -> None:
    import httpx

    answer = client.post(path, json=body).raise_for_status()
    if answer.history and answer.status_code != 201:
        # On the way to where the repository is now a POST may have become a GET.
        moved = answer.history[0]
        raise httpx.HTTPStatusError("moved", request=moved.request, response=moved)


def _ours(client: httpx.Client, place: Place, mark: str) -> list[int]:
    """Return the numbers of the comments that begin with our mark and are by somebody who may write here.

    A stranger's would be brought up to date with our verdict, and then be the stranger's to change.
    """
    import httpx

    found: list[int] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = client.get(
            f"/repos/{place.repository}/issues/{place.number}/comments",
            params={"per_page": _PAGE, "page": page},
        ).raise_for_status()
        try:
            comments: Any = answer.json()
            found += [each["id"] for each in comments if _is_ours(each, mark)]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise httpx.DecodingError("no list of comments") from error
        if "next" not in answer.links:
            break
    return found


def _is_ours(comment: Mapping[str, Any], mark: str) -> bool:
    author: Mapping[str, Any] = comment.get("user") or {}
    trusted = author.get("type") == "Bot" or comment.get("author_association") in _INSIDERS
    return trusted and (comment["body"] or "").startswith(mark)


def _status(client: httpx.Client, place: Place, found: PullRequest) -> None:
    if found.branch.uncommitted:
        raise errors.Refused(
            f"{found.branch.uncommitted[0]} is not committed, so this is the verdict of no commit. Commit it."
        )
    said = secrets.redact(" ".join(found.summary.split()))
    body = {
        "state": _STATES.get(found.verdict, "failure"),
        "context": context(found.project),
        "description": said if len(said) <= _DESCRIPTION else f"{said[: _DESCRIPTION - 1]}…",
        **({"target_url": place.page} if place.page else {}),
    }
    _post(client, f"/repos/{place.repository}/statuses/{place.commit}", body)


def _answered(answer: httpx.Response) -> str:
    code = answer.status_code
    if code == 429 or (code == 403 and _is_limited(answer)):
        return f"GitHub's rate limit is used up{_until(answer)}. Run it again then."
    meanings = {
        301: "the repository has another name by now. Name it with --repository.",
        401: "the token is not valid. Renew it.",
        403: "the token may not do that. Give the job `pull-requests: write` and `statuses: write`; a pull request "
        "from a fork has a token that only reads.",
        404: "there is no such pull request or commit, or the token may not see it. Check the repository, the "
        "number and the token's rights.",
        422: f"it was not accepted{_why(answer)}.",
    }
    return f"GitHub answered {code}: {meanings.get(code, f'{answer.reason_phrase}. Run it again.')}"


def _is_limited(answer: httpx.Response) -> bool:
    return answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers


def _until(answer: httpx.Response) -> str:
    reset, after = answer.headers.get("x-ratelimit-reset", ""), answer.headers.get("retry-after", "")
    if after.isdigit():
        return f" for {after} s"
    return f" until {datetime.fromtimestamp(int(reset), UTC):%H:%M} UTC" if reset.isdigit() else ""


def _why(answer: httpx.Response) -> str:
    try:
        said = cast("Mapping[str, Any]", answer.json()).get("message")
    except (ValueError, AttributeError):
        said = None
    return f" ({secrets.redact(str(said))[:200]})" if said else ""


def _event(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the number and the head commit of the pull request that started this, where GitHub Actions says so."""
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        told: Any = json.loads(Path(path).read_text("utf-8")) if path else {}
        return {"number": told["pull_request"]["number"], "head": told["pull_request"]["head"]["sha"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _page(environment: Mapping[str, str]) -> str | None:
    parts = [environment.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else None
