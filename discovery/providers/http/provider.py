"""The HTTP provider: fetches a configuration at an interval, and decodes it if it changed."""

from __future__ import annotations

import threading
import time
from contextlib import closing

from discovery import dynamic
from discovery.certificates.loading import Seal
from discovery.certificates.reader import CertificateReader
from discovery.connections.stopping import on_stop
from discovery.decoding.decoded import Decoded
from discovery.dynamic.syntax import FileSyntaxError
from discovery.http_client.client import HttpClient
from discovery.http_client.errors import HttpError
from discovery.merging.union import unite
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.http.fetcher import Fetcher
from discovery.providers.last_valid import keep_last_valid
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import HttpProviderOptions

PROVIDER = "http"

MIN_INTERVAL = 0.1
"""The shortest interval of requests in seconds, which keeps a mistyped unit from loading the server."""


class HttpProvider:
    """A provider that polls, since a URL cannot report changes; equal contents are decoded once.

    Contents that cannot be decoded give a diagnostic, and the last valid ones stay in force. If they name
    files of certificates, the provider also follows these files; `seal` seals private keys.
    """

    name = PROVIDER

    def __init__(self, options: HttpProviderOptions, seal: Seal = str) -> None:
        self._options = options
        self._subject = options.endpoint_name
        self._fetcher = Fetcher(options)
        self._certificates = CertificateReader(self.name, seal)
        self._body: bytes | None = None
        self._decoded = Decoded(self._subject)

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Fetch at the interval until `stop`. Raises ProviderError if a request fails."""
        try:
            with (
                closing(HttpClient(self._subject, self._options.tls)) as client,
                on_stop(stop, client.abort),
            ):
                self._poll(client, emit, stop)
        except HttpError as error:
            if not stop.is_set():
                raise ProviderError(error.message, error.hint) from error

    def _poll(self, client: HttpClient, emit: Emit, stop: threading.Event) -> None:
        first = True
        while not stop.is_set():
            due = time.monotonic() + max(self._options.poll_interval, MIN_INTERVAL)
            if self._update(client) or first:
                self._emit(emit)
            first = False
            while not stop.wait(min(self._seconds_until(due), self._certificates.seconds_to_check())):
                if self._seconds_until(due) == 0:
                    break
                if self._certificates.refresh([self._decoded]):
                    self._emit(emit)

    def _seconds_until(self, due: float) -> float:
        return max(0.0, due - time.monotonic())

    def _update(self, client: HttpClient) -> bool:
        """Fetch the configuration, and decode it if it changed; return whether it did. Raises HttpError."""
        body = self._fetcher.fetch(client)
        if body is None or body == self._body:
            return False
        if not body.strip():
            self._fetcher.forget()
            raise HttpError(
                f"the response of {self._subject} is empty; the routes stay",
                "send {} to remove all routes",
            )
        self._body = body
        before, self._decoded = self._decoded, self._decode(body)
        self._certificates.refresh([self._decoded])
        return before != self._decoded

    def _decode(self, body: bytes) -> Decoded:
        try:
            tree = dynamic.read_json_or_yaml(body.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            return self._keep(f"is not UTF-8 text: {error.reason} at byte {error.start}")
        except FileSyntaxError as error:
            position = f"line {error.line}, column {error.column}: " if error.line else ""
            return self._keep(f"{position}{error}")
        if tree is None:
            tree = {}
        if not isinstance(tree, dict):
            return self._keep("contains no options", "expected http with routers and services")
        return dynamic.decode(tree, self.name, self._subject)

    def _keep(self, message: str, hint: str = "") -> Decoded:
        fault = Diagnostic(Severity.ERROR, self.name, self._subject, message, hint)
        return keep_last_valid(self._decoded, self._subject, fault, "endpoint")

    def _emit(self, emit: Emit) -> None:
        emit(unite(self._certificates.completed, self.name))
