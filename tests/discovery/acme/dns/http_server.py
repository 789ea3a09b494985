"""A small HTTP server of the tests; it stands in for APIs of DNS services that no machine here can reach."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.lab.http_server import Handler, HttpServer


class Request(NamedTuple):
    """A request that arrived: its JSON is None if it has no body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


Answer = tuple[int, Any]
"""A status, and what the response holds as JSON."""


class StandInHttpServer(HttpServer):
    """Answers each request with what `answer` returns, and keeps the requests. It can hang instead."""

    def __init__(self, answer: Callable[[Request], Answer] = lambda _: (200, {})) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.hanging = threading.Event()
        self._released = threading.Event()
        outer = self

        class Reply(Handler):
            def handle_request(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, json.loads(content) if content else None)
                outer.requests.append(request)
                if outer.hanging.is_set():
                    outer._released.wait()
                    return
                status, value = outer.answer(request)
                body = json.dumps(value).encode()
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

        super().__init__(Reply)

    def stop(self) -> None:
        self._released.set()
        super().stop()
