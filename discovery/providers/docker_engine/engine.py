"""Client for the Docker engine's API, as far as the providers need it; its errors become ProviderError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import docker.errors
import requests
import urllib3

from discovery.providers.docker_engine.connection import EngineClient, connect
from discovery.providers.docker_engine.faults import SETTING, to_provider_error
from rondpoint.settings import EngineOptions

FAULTS = (docker.errors.DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class Engine:
    """A client of an engine; the constructor raises ProviderError if it cannot be reached.

    `setting` names the setting of the endpoint, for the hints of errors. Only `end_events` may be called from
    another thread.
    """

    def __init__(self, options: EngineOptions, setting: str = SETTING) -> None:
        self._endpoint = options.endpoint
        self._setting = setting
        self._events: Any = None
        with self.faults():
            self.client: EngineClient = connect(options, setting)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_events()
        self.client.close()

    def open_events(self, filters: Mapping[str, Sequence[str]]) -> None:
        """Start the event stream, which contains every event from now on that matches `filters`."""
        with self.faults():
            # The engine subscribes a moment after it has responded. So the request names the start, by the
            # engine's own clock.
            now = datetime.fromisoformat(self.client.info()["SystemTime"])
            # The stubs allow whole seconds only; the engine accepts fractions as well.
            self._events = self.client.events(  # type: ignore[call-overload]
                since=f"{now.timestamp():.6f}",
                filters={name: list(values) for name, values in filters.items()},
                decode=True,
            )

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events since `open_events` as they arrive, until the stream ends for any reason."""
        stream = self._events
        if stream is None:
            return
        try:
            yield from stream
        except (*FAULTS, ValueError, AttributeError):
            # If another thread closes the stream, http.client also raises errors about a file that vanished
            # (ValueError, AttributeError). In each case no more events follow.
            return

    def end_events(self) -> None:
        """Close the event stream, which also ends a blocked read in another thread."""
        stream, self._events = self._events, None
        if stream is None:
            return
        try:
            stream.close()
        except (*FAULTS, AttributeError):
            return  # The stream had already ended.

    def running_containers(self) -> list[str]:
        """Return the ids of the running containers, including paused ones."""
        with self.faults():
            return [each["Id"] for each in self.client.containers()]

    def labelled_containers(self, label: str) -> list[str]:
        """Return the ids of the containers with this label, running or not."""
        with self.faults():
            return [each["Id"] for each in self.client.containers(all=True, filters={"label": [label]})]

    def inspect(self, container_id: str) -> Mapping[str, Any] | None:
        """Return the engine's description of one container; None if it does not exist (any more)."""
        with self.faults():
            try:
                description: Mapping[str, Any] = self.client.inspect_container(container_id)
            except docker.errors.NotFound:
                return None
            return description

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Raise errors of the client as ProviderErrors."""
        try:
            yield
        except FAULTS as error:
            raise to_provider_error(error, self._endpoint, self._setting) from error
