"""The Docker engine's API, as far as it is needed; its faults become ProviderError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any

import docker
import docker.errors
import requests
import urllib3

from discovery.providers.docker.events import FILTERS
from discovery.providers.docker.faults import SETTING, to_provider_error

RESPONSE_TIMEOUT = 10
"""Seconds within which the engine answers, the event stream aside, which may be silent for ever."""

FAULTS = (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class Engine:
    """One connection to an engine at `endpoint`; raises ProviderError when there is none.

    `setting` is where users set the endpoint, for what errors advise. Only `close` and `end_events` may be
    called from another thread.
    """

    def __init__(self, endpoint: str, setting: str = SETTING) -> None:
        self._endpoint = endpoint
        self._setting = setting
        self._events: Any = None
        with self._faults():
            self._client = docker.APIClient(base_url=endpoint, version="auto", timeout=RESPONSE_TIMEOUT)

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_events()
        self._client.close()

    def open_events(self) -> None:
        """Start the event stream: everything from this instant on will be in it."""
        with self._faults():
            # The engine subscribes a moment after it has answered, so that the instant must be named,
            # and by its own clock.
            now = datetime.fromisoformat(self._client.info()["SystemTime"])
            # The stubs know whole seconds only, the engine fractions as well.
            self._events = self._client.events(  # type: ignore[call-overload]
                since=f"{now.timestamp():.6f}",
                filters=dict(FILTERS),
                decode=True,
            )

    def events(self) -> Iterator[Mapping[str, Any]]:
        """The events since `open_events`, as they come; ends when the stream does, for whatever cause."""
        stream = self._events
        if stream is None:
            return
        try:
            yield from stream
        except (*FAULTS, ValueError, AttributeError):
            # Besides its proper errors, a stream that another thread closes gives what http.client makes
            # of a file that vanishes under it. Whatever the cause, there is no more to come.
            return

    def end_events(self) -> None:
        """End the stream, and with it a read that another thread is blocked in."""
        stream, self._events = self._events, None
        if stream is None:
            return
        try:
            stream.close()
        except (*FAULTS, AttributeError):
            return  # It had ended already.

    def running_containers(self) -> list[str]:
        """The ids of the containers that run, paused ones included."""
        with self._faults():
            return [each["Id"] for each in self._client.containers()]

    def labelled_containers(self, label: str) -> list[str]:
        """The ids of the containers that bear the label, whether or not they run."""
        with self._faults():
            return [each["Id"] for each in self._client.containers(all=True, filters={"label": [label]})]

    def inspect(self, container_id: str) -> Mapping[str, Any] | None:
        """All about one container; None when it does not exist (any more)."""
        with self._faults():
            try:
                answer: Mapping[str, Any] = self._client.inspect_container(container_id)
            except docker.errors.NotFound:
                return None
            return answer

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            raise to_provider_error(error, self._endpoint, self._setting) from error
