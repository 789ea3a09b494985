"""Calls to Marathon's HTTP API, with errors that say what would help."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from msgspec import MsgspecError, json
from urllib3 import BaseHTTPResponse

from discovery.connections.errors import one_line
from discovery.http_client.client import HttpClient
from discovery.http_client.errors import HttpError
from discovery.http_client.lines import read_lines
from discovery.providers.marathon.values import Apps
from rondpoint.settings import MarathonOptions

TIMEOUT = 30.0
"""Seconds within which the list of apps must begin, and go on after each pause."""

EVENTS = frozenset(
    (
        *("status_update_event", "health_status_changed_event", "failed_health_check_event"),
        *("add_health_check_event", "app_terminated_event", "deployment_info", "deployment_success"),
        *("deployment_failed", "deployment_step_success", "deployment_step_failure"),
        *("instance_changed_event", "instance_health_changed_event"),
    )
)
"""The events after which apps or tasks may differ."""

_EMBEDDED = "embed=apps.tasks&embed=apps.deployments&embed=apps.readiness"

T = TypeVar("T")


class MarathonClient:
    """Calls to one Marathon; from one thread, except for `abort`. `url` has no slash at its end."""

    def __init__(self, url: str, options: MarathonOptions) -> None:
        self._url = url
        self._name = f"Marathon at {url}"
        self._client = HttpClient(self._name, options.tls)
        self._headers = _credentials(options)

    def abort(self) -> None:
        """Interrupt a call in another thread, and make every later call fail."""
        self._client.abort()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def apps(self, decode: Callable[[Sequence[bytes]], T]) -> T:
        """Read all apps with their tasks, and return what `decode` makes of their JSON. Raises HttpError."""
        with self._client.get(f"{self._url}/v2/apps?{_EMBEDDED}", self._headers, TIMEOUT) as response:
            self._check(response)
            try:
                return decode([bytes(each) for each in json.decode(response.read(), type=Apps).apps])
            except MsgspecError as error:
                raise HttpError(
                    f"the server at {self._url} is not Marathon's API: {error}", "is this the right URL?"
                ) from None

    def events(self) -> Iterator[tuple[str, ...]]:
        """Yield the name of each event that may have changed apps or tasks. Raises HttpError."""
        headers = {**self._headers, "Accept": "text/event-stream", "Accept-Encoding": "identity"}
        # Marathon may be silent for hours; TCP keep-alive notices a peer that has vanished.
        with self._client.get(f"{self._url}/v2/events", headers, None) as response:
            self._check(response)
            for line in read_lines(response):
                field, _, value = line.partition(b":")
                name = value.strip().decode(errors="replace")
                if field == b"event" and name in EVENTS:
                    yield (name,)

    def _check(self, response: BaseHTTPResponse) -> None:
        """Raise HttpError unless the status is 200."""
        if response.status in (401, 403):
            raise HttpError(
                f"{self._name} refuses the credentials", "set marathon.basic or marathon.dcosToken"
            )
        if response.status != 200:
            text = one_line(response.read().decode(errors="replace"))
            raise HttpError(f"{self._name} responds with status {response.status}: {text}")


def _credentials(options: MarathonOptions) -> Mapping[str, str]:
    if options.dcos_token:
        return {"Authorization": f"token={options.dcos_token}"}
    basic = options.basic
    if not basic.http_basic_auth_user and not basic.http_basic_password:
        return {}
    pair = f"{basic.http_basic_auth_user}:{basic.http_basic_password}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def urls_of(endpoints: tuple[str, ...]) -> tuple[str, ...]:
    """Return the URLs of Marathon; those without a scheme get that of the first one."""
    scheme = "https" if endpoints[0].startswith("https://") else "http"
    return tuple((each if "://" in each else f"{scheme}://{each}").rstrip("/") for each in endpoints)
