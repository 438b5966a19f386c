"""`runbooks up` and `runbooks down`: a deployment that stays, and looks after itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployments import deploying, installation, up_and_down
from deployments.installation_folder import Home, Settings
from deployments.schedules import Next
from ops import errors


@dataclass(frozen=True)
class Asked:
    """What the command line says; what it does not say is as it was."""

    home: Path | None = None
    port: int | None = None
    file: str | None = None
    env_file: str | None = None


def up(asked: Asked) -> int:
    """Start everything that does not run yet, deploy, and say where it is and what comes next."""
    home = asked.home or up_and_down.default_home()
    found = up_and_down.up(home, _settings(Home(home), asked), _say)
    _say(f"{'It ran already' if found.found else 'It runs'}: {found.address}, kept in {found.home}.")
    for line in found.said:
        _say(line)
    for line in _coming(found.coming, found.deployments):
        _say(line)
    _say(f"For other commands: export PREFECT_API_URL={found.address}/api")
    _say("To stop it: runbooks down" + (f" --home {asked.home}" if asked.home else ""))
    return 0


def down(home: Path | None, *, wait: float, now: bool) -> int:
    """Stop everything in order, and say what stays."""
    ended = up_and_down.down(
        home or up_and_down.default_home(), wait=timedelta(seconds=wait), now=now, tell=_say
    )
    if not ended.ran:
        _say("Nothing runs.")
        return 0
    for name in ended.cut_off:
        _say(f"Cut off: {name}. It is Crashed and can be retried after the next start.")
    for name in ended.waiting:
        _say(f"Waits at its gate, and goes on waiting after the next start: {name}.")
    _say("Stopped; its data stays. To start it again: runbooks up")
    return 0


def deploy(file: Path) -> int:
    """Deploy on the server that the user has set, and say which schedules are not as the file says."""
    for line in deploying.for_team(installation.ROOT / file, _say):
        _say(line)
    _say("Deployed.")
    return 0


def drain(wait: float) -> int:
    """Wait until nothing runs, and let nothing begin."""
    deploying.drain(timedelta(seconds=wait), _say)
    _say("Nothing runs, and nothing begins until the next deploy.")
    return 0


def _settings(home: Home, asked: Asked) -> Settings:
    kept = home.settings()
    if asked.port is not None and not 1024 <= asked.port <= 65535:
        raise errors.Refused(f"{asked.port} is no port to serve on. Name one from 1024 to 65535.")
    return Settings(
        port=asked.port if asked.port is not None else kept.port,
        file=str(Path(asked.file).absolute()) if asked.file else kept.file,
        env_file=str(Path(asked.env_file).absolute()) if asked.env_file else kept.env_file,
    )


def _coming(coming: tuple[Next, ...], deployments: int) -> list[str]:
    if not coming:
        return [
            f"{deployments} deployments; no schedule is switched on, so nothing begins by itself. Switch on what you "
            "want on its deployment's page, or with: prefect deployment schedule resume"
        ]
    now = datetime.now(UTC)
    return [
        f"{deployments} deployments. Next by schedule:",
        *(
            f"  {each.at:%Y-%m-%d %H:%M} UTC  {each.deployment} (in {_long(each.at - now)})"
            for each in coming
        ),
    ]


def _long(time: timedelta) -> str:
    minutes = max(0, round(time.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _say(line: str) -> None:
    print(line, flush=True)
