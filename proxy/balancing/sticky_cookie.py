"""Cookies that keep a client with the server that responded to it first.

A cookie's value is a hash of the service's and the server's name. It is the same in every worker and instance
and after any restart, reveals no addresses, and stays valid if a container returns under its name with
another address. The server gets the request's cookie too, as with Traefik.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from rondpoint.model import StickyCookie

Member = TypeVar("Member")

# RFC 6265 §4.1.1: characters that no attribute's value may contain.
_NOT_ALLOWED_IN_VALUE = re.compile(r"[^ -:<-~]")
_SAME_SITE = {"none": "None", "lax": "Lax", "strict": "Strict"}


class Stickiness(Generic[Member]):
    """The sticky cookie of a service, and the members that it may name: servers or services, by name."""

    def __init__(self, cookie: StickyCookie, service: str, members: Iterable[tuple[str, Member]]) -> None:
        name = cookie.name_for(service)
        self._pattern = re.compile(
            rb"\r\n(?i:cookie):(?:[^\r\n;]*+;)*?[ \t]*%b=\"?([0-9a-f]{16})\"?[ \t]*(?=;|\r|\Z)"
            % re.escape(name.encode())
        )
        self._members: dict[bytes, Member] = {}
        self._lines: dict[Member, bytes] = {}
        for member_name, member in members:
            value = cookie_value(service, member_name)
            self._members[value.encode()] = member
            self._lines[member] = f"\r\nSet-Cookie: {name}={value}{_attributes(cookie)}".encode()

    def find_member(self, request: Request) -> Member | None:
        """Return the member that the request's cookie names; None if it names none."""
        found = self._pattern.search(request.headers)
        return None if found is None else self._members.get(found[1])

    def set_cookie_line(self, member: Member) -> bytes:
        """Return the Set-Cookie line, with a leading CRLF, that keeps a client with this member."""
        return self._lines[member]


def cookie_value(service: str, member: str) -> str:
    """Return the value that names this server or member service in the cookie of a service."""
    return sha256(f"{service}\0{member}".encode()).hexdigest()[:16]


def _attributes(cookie: StickyCookie) -> str:
    """Return the cookie's attributes in Traefik's order and spelling."""
    attributes = f"; Path={_NOT_ALLOWED_IN_VALUE.sub('', cookie.path)}" if cookie.path else ""
    if cookie.domain:
        attributes += f"; Domain={_NOT_ALLOWED_IN_VALUE.sub('', cookie.domain.removeprefix('.'))}"
    if cookie.max_age:
        attributes += f"; Max-Age={max(cookie.max_age, 0)}"
    if cookie.http_only:
        attributes += "; HttpOnly"
    if cookie.secure:
        attributes += "; Secure"
    if cookie.same_site:
        attributes += f"; SameSite={_SAME_SITE[cookie.same_site]}"
    return attributes
