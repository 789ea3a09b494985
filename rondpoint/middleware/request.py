"""The request that a middleware gets, and may change before it forwards it."""

from __future__ import annotations

import re
from typing import Any

from rondpoint.middleware.body import Body, Message
from rondpoint.middleware.headers import Headers, Items

# RFC 9112 §3.2.1: neither white space nor a fragment; `?` begins the query.
_PATH = re.compile(r"/[!\"$->@-~]*")
_QUERY = re.compile(r"[!\"$-~]*")


class Request(Message):
    """A request on its way to the server.

    `method` cannot change. `path` and `query` are percent-encoded, as the client sent them, or as middlewares
    before this one have changed them. `client` is the address of the connection's other end: of a proxy, if
    one is in front. `scheme` is `http` or `https`. `forwarded` are the lines that the proxy adds to the
    request, such as `X-Forwarded-For`. `context` is a dict that all Python middlewares of the request share.
    `username` is for the access log, once a middleware knows it.
    """

    __slots__ = (
        "_client",
        "_context",
        "_forwarded",
        "_method",
        "_path",
        "_query",
        "_scheme",
        "username",
    )

    too_large = 413

    def __init__(
        self,
        method: str = "GET",
        target: str = "/",
        *,
        headers: Items = (),
        body: Body = b"",
        host: str = "localhost",
        client: str = "127.0.0.1",
        scheme: str = "http",
    ) -> None:
        """Create a request for a test; `target` is the path, with `?` and the query if there is one."""
        super().__init__(headers, body)
        self._method = method
        self._path, _, self._query = target.partition("?")
        if "Host" not in self.headers:
            self.headers["Host"] = host
            self.headers.changed = False
        self.username = ""
        self._client = client
        self._scheme = scheme
        self._forwarded = Headers()
        self._context: dict[str, Any] = {}

    @property
    def method(self) -> str:
        return self._method

    @property
    def host(self) -> str:
        """The Host header, with a port if it names one; set the header to change it for the server."""
        return self.headers.get("Host")

    @property
    def client(self) -> str:
        return self._client

    @property
    def scheme(self) -> str:
        return self._scheme

    @property
    def forwarded(self) -> Headers:
        return self._forwarded

    @property
    def context(self) -> dict[str, Any]:
        return self._context

    @property
    def path(self) -> str:
        return self._path

    @path.setter
    def path(self, path: str) -> None:
        if not _PATH.fullmatch(path):
            raise ValueError(f"{path!r} is not a path: it must begin with / and be percent-encoded")
        self._path = path

    @property
    def query(self) -> str:
        """The query without its question mark; empty if there is none."""
        return self._query

    @query.setter
    def query(self, query: str) -> None:
        if not _QUERY.fullmatch(query):
            raise ValueError(f"{query!r} is not a query: it must be percent-encoded")
        self._query = query

    @property
    def target(self) -> str:
        """The path, with `?` and the query if there is one."""
        return f"{self._path}?{self._query}" if self._query else self._path

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target}>"
