"""The request that `/api/explain` is asked about."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from proxy.http1.forwarded import forwarded_port
from rondpoint.rules.facts import Facts, facts_of
from rondpoint.settings import ADMIN, Settings

_PORTS = {"http": 80, "https": 443}


class AskedError(ValueError):
    """A question that cannot be read."""


class Asked(Struct, frozen=True):
    entry_point: str
    facts: Facts


def read_asked(arguments: MultiDict[str, str], settings: Settings) -> Asked:
    """From the query of a request to the API. Raises AskedError.

    Without `entryPoint` it is the one that listens on the port of `url`, else the first by default.
    """
    url = arguments.get("url", "").strip()
    if not url:
        raise AskedError("url is missing: ?url=http://app.example.com/path")
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise AskedError(f"url {url!r} cannot be read: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AskedError(f"url {url!r} is not one such as http://app.example.com/path")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    client = arguments.get("client", "")
    headers = [_line(header) for header in arguments.getlist("header")]
    headers += _forwarded(headers, parts.scheme, parts.netloc.encode(), client.encode())
    facts = facts_of(
        arguments.get("method", "GET").upper().encode(),
        parts.hostname.encode(),
        target.encode(),
        b"".join(b"\r\n" + line for line in headers),
        client,
    )
    return Asked(_entry_point(arguments.get("entryPoint", ""), port, settings), facts)


def _line(header: str) -> bytes:
    name, colon, _ = header.partition(":")
    if not colon or not name.strip() or "\r" in header or "\n" in header:
        raise AskedError(f"header {header!r} is not one such as Accept: text/html")
    return header.encode()


def _forwarded(headers: list[bytes], scheme: str, host: bytes, client: bytes) -> list[bytes]:
    """What the proxy adds, which rules see; it is as told where a trusted proxy would tell it."""
    given = {line.partition(b":")[0].strip().lower() for line in headers}
    proto = scheme.encode()
    added = {
        b"X-Forwarded-Host": host,
        b"X-Forwarded-Port": forwarded_port(host, proto),
        b"X-Forwarded-Proto": proto,
        b"X-Real-Ip": client,
    }
    return [name + b": " + value for name, value in added.items() if value and name.lower() not in given]


def _entry_point(name: str, port: int, settings: Settings) -> str:
    web = {known: point for known, point in settings.entry_points.items() if known != ADMIN}
    if name and name not in web:
        raise AskedError(f"entryPoint {name!r} does not exist: there are {', '.join(sorted(web))}")
    listening = (known for known, point in sorted(web.items()) if point.port == port)
    return name or next(listening, settings.default_entry_points[0])
