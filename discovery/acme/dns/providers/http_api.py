"""Requests with JSON to a provider's HTTP API."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import requests

from discovery.acme.dns.bounded_calls import call_within
from discovery.acme.dns.environment import Environment
from discovery.acme.dns.errors import ConfigurationError, ProviderError
from discovery.connections.errors import causes

MAX_SHOWN = 200
"""Characters of an error response that are shown."""


class HttpApi:
    """An API below one URL. A request takes at most `timeout` seconds, or ends as soon as `stop` is set."""

    def __init__(
        self,
        url: str,
        variable: str,
        *,
        timeout: float,
        environment: Environment,
        stop: threading.Event,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        """Use the URL that `variable` names. Raises ConfigurationError if it is none."""
        if not url.lower().startswith(("http://", "https://")):
            raise ConfigurationError(f"{variable} is no URL: {environment.redact(url)!r}", "write https://…")
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._environment = environment
        self._stop = stop
        self._credentials = credentials

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Send `body` as JSON, and nothing if it is None. Raises ProviderError unless the status is 2xx."""
        url = f"{self._url}{path}"
        shown = self._environment.redact(url)

        def send() -> requests.Response:
            return requests.post(
                url,
                json=body,
                headers={"Accept": "application/json", **(headers or {})},
                # Without a function, requests would send credentials of .netrc.
                auth=self._credentials or (lambda request: request),
                timeout=self._timeout,
                # Credentials are for this server alone.
                allow_redirects=False,
            )

        try:
            response = call_within(self._timeout, self._stop, f"POST {shown}", send)
        except (requests.RequestException, UnicodeError) as error:
            reason = self._environment.redact(str(list(causes(error))[-1]))
            raise ProviderError(f"POST {shown} failed: {reason}") from None
        if not response.ok or response.is_redirect:
            text = self._environment.redact(response.text[:MAX_SHOWN])
            raise ProviderError(f"POST {shown}: status {response.status_code} {text}".rstrip())
        return response
