"""What an installation that stays runs with: addresses, environments, and a client of its server.

The server sees nothing of what the runbooks operate on: secrets of environments are the worker's alone.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import PrefectHTTPStatusError

from deployments import prefect_setup
from deployments.installation_folder import Home, Settings
from ops import errors, secrets

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "PREFECT_SERVER_API_AUTH_STRING"  # noqa: S105
_PLAIN = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
)
_UNAUTHORIZED = 401
# Which server is meant is not for a file of variables to say; everything else of Prefect is.
_FIXED = ("RUNBOOKS_HOME", "PREFECT_HOME", "PREFECT_API_URL", "PREFECT_API_SSL_CERT_FILE")


@dataclass(frozen=True)
class Installation:
    """A deployment in its folder; `environment` is the caller's with the variables of the file beside it."""

    home: Home
    settings: Settings
    environment: Mapping[str, str] = field(repr=False)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def file(self) -> Path:
        return (ROOT / self.settings.file).resolve()

    def for_server(self, database_url: str) -> dict[str, str]:
        """Return the environment of the server."""
        plain = {name: value for name, value in self.environment.items() if name in _PLAIN}
        url = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database_url}
        return {**plain, **self._prefect(), **url}

    def for_worker(self) -> dict[str, str]:
        """Return the environment of the worker, of every run and of whatever deploys."""
        others = {name: value for name, value in self.environment.items() if not name.startswith("PREFECT_")}
        prefect = {name: value for name, value in self._prefect().items() if name != PASSWORD}
        # Everything is in the API's log; drawing it a second time costs a third of a short step.
        return {**others, "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING", **prefect}

    def _prefect(self) -> dict[str, str]:
        given = {name: value for name, value in self.environment.items() if name.startswith("PREFECT_")}
        password = {"PREFECT_API_AUTH_STRING": given[PASSWORD]} if PASSWORD in given else {}
        folder = self.home.path / "prefect"
        folder.mkdir(exist_ok=True)
        ours = prefect_setup.settings(ROOT, folder, self.address)
        return {**ours, **given, **{name: ours[name] for name in _FIXED}, **password}

    @contextmanager
    def client(self) -> Generator[SyncPrefectClient]:
        """Yield a client of the server, whatever profile the user has.

        Raises:
            Refused: the server wants another password.
            Unavailable: it does not answer.
        """
        asked = SyncPrefectClient(
            api=f"{self.address}/api",
            auth_string=self.environment.get(PASSWORD),
            httpx_settings={"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)},
        )
        try:
            with asked as client:
                yield client
        except httpx.TransportError as error:
            raise errors.Unavailable(
                f"The Prefect server at {self.address} does not answer ({type(error).__name__}). "
                f"See {self.home.log('server')}."
            ) from None
        except PrefectHTTPStatusError as error:
            raise _said(error, self.address) from None


def of(home: Home, settings: Settings) -> Installation:
    """Return the deployment that lies in a folder, with the environment of whoever calls.

    Raises:
        Refused: the file of variables is not there, not ours alone, or has a line that is none.
    """
    # What a profile or a shell says of another Prefect is not for this one; its own file may say anything.
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PREFECT_") or name == PASSWORD
    }
    given = variables(Path(settings.env_file)) if settings.env_file else {}
    return Installation(home, settings, {**own, **given})


def variables(path: Path) -> dict[str, str]:
    """Return the variables of a file of NAME=VALUE lines, as systemd and docker read them: quotes around a value go.

    Raises:
        Refused: it is not there, others can read it, or a line is none of that kind.
    """
    try:
        status = path.stat()
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise errors.Refused(
            f"The file of variables {path} cannot be read ({type(error).__name__}), so nothing was started. Mend it, "
            "or name another: --env-file."
        ) from None
    if status.st_mode & 0o077 or status.st_uid not in {os.geteuid(), 0}:
        raise errors.Refused(
            f"{path} holds secrets and is not yours alone (mode {status.st_mode & 0o777:04o}), so nothing was started. "
            f"Run: chmod 600 {path}"
        )
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or not name.isidentifier():
            raise errors.Refused(
                f"Line {number} of {path} is not NAME=VALUE, so nothing was started. Mend it; a comment begins with #."
            )
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[name] = value[1:-1] if quoted else value
        secrets.remember(found[name])
    return found


def stamp(settings: Settings) -> str:
    """Return what tells the file of variables from one that was changed since, without what is in it."""
    if not settings.env_file:
        return ""
    status = Path(settings.env_file).stat()
    return f"{settings.env_file} {status.st_ino} {status.st_size} {status.st_mtime_ns}"


def _said(error: PrefectHTTPStatusError, address: str) -> errors.OpsError:
    code = error.response.status_code
    if code == _UNAUTHORIZED:
        return errors.Refused(
            f"The Prefect server at {address} wants its password. Set {PASSWORD} to it, or write it into the file "
            "of variables: --env-file."
        )
    return errors.Unavailable(f"The Prefect server at {address} says {code}. Try again.")
