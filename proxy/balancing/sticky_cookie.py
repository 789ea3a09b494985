"""Cookies that keep a client with the server that answered it first.

A cookie's value is made of the service's and the server's name, so that it is the same in every worker and
instance and after any restart, tells nothing of addresses, and is still good when a container comes back
under its name with another address. The request's cookie is passed on to the server, as Traefik does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from rondpoint.model import StickyCookie

Kept = TypeVar("Kept")

# RFC 6265 §4.1.1: what no attribute's value may hold.
_NO_VALUE = re.compile(r"[^ -:<-~]")
_SAME_SITE = {"none": "None", "lax": "Lax", "strict": "Strict"}


class Stickiness(Generic[Kept]):
    """The cookie of the service so named, and whom it may name: servers, or services, by their names."""

    def __init__(self, cookie: StickyCookie, service: str, members: Iterable[tuple[str, Kept]]) -> None:
        name = cookie.called(service)
        self._pattern = re.compile(
            rb"\r\n(?i:cookie):(?:[^\r\n;]*+;)*?[ \t]*%b=\"?([0-9a-f]{16})\"?[ \t]*(?=;|\r|\Z)"
            % re.escape(name.encode())
        )
        self._kept: dict[bytes, Kept] = {}
        self._lines: dict[Kept, bytes] = {}
        for member_name, member in members:
            value = value_of(service, member_name)
            self._kept[value.encode()] = member
            self._lines[member] = f"\r\nSet-Cookie: {name}={value}{_attributes(cookie)}".encode()

    def kept(self, request: Request) -> Kept | None:
        """Whom the request's cookie names, if there is such a one."""
        found = self._pattern.search(request.headers)
        return None if found is None else self._kept.get(found[1])

    def line(self, member: Kept) -> bytes:
        """The header line, with a leading CRLF, that keeps a client with this one."""
        return self._lines[member]


def value_of(service: str, member: str) -> str:
    """What stands for a server, or service, in the cookie of a service."""
    return sha256(f"{service}\0{member}".encode()).hexdigest()[:16]


def _attributes(cookie: StickyCookie) -> str:
    """In the order and spelling of Traefik."""
    found = f"; Path={_NO_VALUE.sub('', cookie.path)}" if cookie.path else ""
    if cookie.domain:
        found += f"; Domain={_NO_VALUE.sub('', cookie.domain.removeprefix('.'))}"
    if cookie.max_age:
        found += f"; Max-Age={max(cookie.max_age, 0)}"
    if cookie.http_only:
        found += "; HttpOnly"
    if cookie.secure:
        found += "; Secure"
    if cookie.same_site:
        found += f"; SameSite={_SAME_SITE[cookie.same_site]}"
    return found
