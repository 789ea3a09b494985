"""Parts of the middlewares basicAuth and digestAuth: users, refusals, and changes to accepted requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxy.authentication.user_list import parse_users
from proxy.http1.header_lines import header_line, values_of, with_value, without
from proxy.middlewares.authentication.users_files import USERS_FILES

if TYPE_CHECKING:
    from proxy.http1.request import Request

Lookup = Callable[[bytes], "str | None"]
"""Returns the hash of a user; None for an unknown user."""

Accept = Callable[["Request", bytes], None]
"""Changes the request of an authenticated user for the server."""

UNAUTHORIZED = b"401 Unauthorized\n"

CONTENT_TYPE = b"\r\nContent-Type: text/plain"


def compile_users(options: Mapping[str, Any], parts: int) -> tuple[Lookup, Callable[[], str | None]]:
    """Return a lookup in `users` and, for names that are not there, in the present `usersFile`.

    The second function returns any of the hashes, None if there are no users. Raises ValueError.
    """
    inline = parse_users((line.encode() for line in options.get("users", ())), parts)
    path = options.get("usersFile")
    if not path:
        first = next(iter(inline.values()), None)
        return inline.get, lambda: first
    file = USERS_FILES.open(Path(path), parts)

    def find(name: bytes) -> str | None:
        return inline.get(name) or file.users.get(name)

    return find, lambda: next(iter((inline or file.users).values()), None)


def authorization(request: Request) -> bytes:
    """Return the value of the only Authorization line.

    A request with several lines has none: the server might use another line than this proxy.
    """
    values = values_of(request.headers, b"authorization")
    return values[0] if len(values) == 1 else b""


def compile_acceptance(options: Mapping[str, Any]) -> Accept | None:
    """Compile `headerField` and `removeHeader`; return None without both. Raises ValueError."""
    field, remove = options["headerField"], options["removeHeader"]
    if not field and not remove:
        return None
    if field:
        # Checks the name.
        header_line(field, "")
    name = field.encode()

    def accept(request: Request, user: bytes) -> None:
        headers = request.headers
        if name:
            headers = with_value(headers, name, user)
        request.headers = without(headers, b"authorization") if remove else headers

    return accept


def quoted_string(text: str) -> str:
    """Return a quoted-string (RFC 9110 §5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
