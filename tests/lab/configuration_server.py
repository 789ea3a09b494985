"""A web server whose responses a test sets, path by path; it records the requests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.http_server import Handler, HttpServer
from tests.lab.waiting import until


@dataclass(frozen=True)
class Answer:
    """A response; with `tagged`, it has an ETag, and requests with that ETag get a 304."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    tagged: bool = False


@dataclass(frozen=True)
class Received:
    """A request that the server got, and the status of its response."""

    path: str
    headers: Mapping[str, str]
    status: int


class ConfigurationServer(HttpServer):
    """Serves `answers` by path inside `with`; every other path is a 404."""

    def __init__(self, port: int = 0, certificate: Path | None = None) -> None:
        self.answers: dict[str, Answer | Callable[[], Answer]] = {}
        self.received: list[Received] = []
        server = self

        class Responder(Handler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
                given = server.answers.get(self.path, Answer(status=404))
                server.respond(self, given if isinstance(given, Answer) else given())

        super().__init__(Responder, port, certificate)

    def respond(self, request: Handler, answer: Answer) -> None:
        headers = dict(answer.headers)
        status, body = answer.status, answer.body
        if answer.tagged:
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if request.headers.get("If-None-Match") == headers["ETag"]:
                status, body = 304, b""
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        if status != 304 and "Content-Length" not in headers:
            request.send_header("Content-Length", str(len(body)))
        # Before the response, which may be all that a test waits for.
        self.received.append(Received(request.path, dict(request.headers.items()), status))
        request.end_headers()
        request.wfile.write(body)

    def wait_for_requests(self, count: int = 1, **headers: str) -> list[Received]:
        """Wait for `count` more requests with these headers (`_` for `-`), and return them."""
        wanted = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        begin = len(self.received)

        def found() -> list[Received] | None:
            fitting = [
                each
                for each in self.received[begin:]
                if wanted.items() <= {name.lower(): value for name, value in each.headers.items()}.items()
            ]
            return fitting if len(fitting) >= count else None

        return until(found, f"{count} requests")
