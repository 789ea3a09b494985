"""What a rule may ask about a request, found out when it is asked and not before."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from rondpoint.rules.requested import headers_of, normalise_path, query_of

if TYPE_CHECKING:
    from proxy.http1.request import Request


class Asked:
    """One request to one normalised `host`; `client` is the peer's address, as text."""

    __slots__ = ("_address", "_client", "_headers", "_path", "_query", "_request", "host")

    def __init__(self, host: str, request: Request, client: str) -> None:
        self.host = host
        self._request = request
        self._client = client
        self._path = ""
        self._headers: dict[str, tuple[str, ...]] | None = None
        self._query: tuple[tuple[str, str], ...] | None = None
        self._address: IPv4Address | IPv6Address | None = None

    @property
    def method(self) -> bytes:
        return self._request.method

    @property
    def path(self) -> str:
        """Normalised."""
        if not self._path:
            self._path = normalise_path(self._request.target)
        return self._path

    def header(self, name: str) -> tuple[str, ...]:
        """The values of the header of this name in lower case."""
        if self._headers is None:
            self._headers = headers_of(self._request.headers)
        return self._headers.get(name, ())

    def query(self, name: str) -> list[str]:
        """The values of this name in the query."""
        if self._query is None:
            self._query = query_of(self._request.target)
        return [value for given, value in self._query if given == name]

    @property
    def client(self) -> IPv4Address | IPv6Address | None:
        """None for a client without an address, over a Unix socket."""
        if self._address is None:
            try:
                self._address = ip_address(self._client)
            except ValueError:
                return None
        return self._address
