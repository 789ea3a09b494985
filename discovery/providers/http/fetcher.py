"""Fetches the configuration: conditional requests, redirects and limits."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from urllib3 import BaseHTTPResponse

from discovery.http_client.client import HttpClient, read_body
from discovery.http_client.errors import HttpError
from rondpoint.settings import HttpProviderOptions
from rondpoint.settings.http_values import is_http_url

MAX_REQUESTS = 10
"""The most requests of one fetch: nine redirects are followed, as by Traefik."""

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_CREDENTIALS = frozenset(("authorization", "cookie", "cookie2", "www-authenticate", "proxy-authorization"))
"""Headers that are not sent to another host that a redirect names, as by Traefik."""


class Fetcher:
    """Fetches one URL repeatedly; it remembers which contents it got last, and from which URL."""

    def __init__(self, options: HttpProviderOptions) -> None:
        self._options = options
        self._url, self._headers = _split_credentials(options.endpoint, options.headers)
        self._validated_url = ""
        self._validators: Mapping[str, str] = {}

    def fetch(self, client: HttpClient) -> bytes | None:
        """Return the body, or None if the server says that it is that of the last call. Raises HttpError."""
        with client.time_limit(self._options.poll_timeout):
            return self._fetch(client)

    def forget(self) -> None:
        """Make the next request unconditional."""
        self._validated_url, self._validators = "", {}

    def _fetch(self, client: HttpClient) -> bytes | None:
        url, headers = self._url, dict(self._headers)
        for _ in range(MAX_REQUESTS):
            asked = url == self._validated_url
            conditions = self._validators if asked else {}
            with client.get(url, {**conditions, **headers}, self._options.poll_timeout or None) as response:
                location = response.headers.get("Location")
                if response.status in _REDIRECTS and location:
                    target = _target(url, location)
                    headers = _headers_after(
                        headers, self._url, target, relative=not urlsplit(location).scheme
                    )
                    url = target
                    continue
                if response.status == 304 and asked and conditions:
                    return None
                return self._read(response, url)
        raise HttpError(f"{self._options.endpoint_name} redirects more than {MAX_REQUESTS - 1} times")

    def _read(self, response: BaseHTTPResponse, url: str) -> bytes:
        name = self._options.endpoint_name
        if response.status != 200:
            raise HttpError(f"{name} responds with status {response.status}", "expected status 200")
        limit = self._options.max_response_body_size
        body = read_body(
            response,
            limit,
            lambda: HttpError(
                f"the response of {name} has more than {limit} bytes",
                "see providers.http.maxResponseBodySize",
            ),
        )
        self._validated_url = url
        self._validators = _conditions(response.headers)
        return body


def _conditions(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers that make the next request conditional."""
    if tag := headers.get("ETag"):
        return {"If-None-Match": tag}
    changed, sent = _seconds(headers.get("Last-Modified")), _seconds(headers.get("Date"))
    # In its second, the document may change again without another time (RFC 9110 section 8.8.2.2).
    if changed is not None and sent is not None and sent - changed >= 1:
        return {"If-Modified-Since": headers["Last-Modified"]}
    return {}


def _seconds(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _target(url: str, location: str) -> str:
    """Return the target of a redirect from `url`. Raises HttpError if it cannot be requested."""
    try:
        target = urljoin(url, location)
    except ValueError:
        target = location
    if not is_http_url(target):
        raise HttpError(f"a redirect leads to {target!r}, which is not a URL with http or https")
    return target


def _split_credentials(endpoint: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Return the URL without user and password, and the headers with them, unless they have their own."""
    parts = urlsplit(endpoint)
    plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    if parts.username is None or any(name.lower() == "authorization" for name in headers):
        return plain, headers
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return plain, {**headers, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _headers_after(headers: Mapping[str, str], first: str, target: str, *, relative: bool) -> dict[str, str]:
    """Return the headers for the target of a redirect."""
    removed = set[str]() if relative else {"host"}
    if not _is_same_or_below(urlsplit(target), urlsplit(first)):
        removed |= _CREDENTIALS
    return {name: value for name, value in headers.items() if name.lower() not in removed}


def _is_same_or_below(target: SplitResult, first: SplitResult) -> bool:
    """Return whether the target's host is the first one, or a name below it."""
    host, domain = target.hostname or "", first.hostname or ""
    return host == domain or (host.endswith(f".{domain}") and not domain.replace(".", "").isdigit())
