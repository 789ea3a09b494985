"""A stand-in for a CA: it responds as a test says, where Pebble has no way to behave like that."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.lab.http_server import HttpServer

PROBLEM = "urn:ietf:params:acme:error:"

Reply = tuple[int, dict[str, str], Any]
"""Status, headers, and the body: bytes, or what becomes JSON."""


class StandInCa(HttpServer):
    """Serves a directory, nonces, and the replies in `replies` by path; a reply may be a function."""

    def __init__(self, **directory: Any) -> None:
        self.replies: dict[str, Reply | Callable[[], Reply]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: dict[str, list[bytes]] = {}
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.reply()

            def do_HEAD(self) -> None:
                self.reply()

            def do_POST(self) -> None:
                self.reply()

            def reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                stand_in.requests.append((self.command, self.path, dict(self.headers)))
                stand_in.bodies.setdefault(self.path, []).append(body)
                reply = stand_in.replies.get(self.path, (404, {}, b""))
                status, headers, content = reply() if callable(reply) else reply
                sent = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(sent)), **headers}.items():
                    self.send_header(name, value)
                self.send_header("Replay-Nonce", f"{len(stand_in.requests):012}")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(sent)

            def log_message(self, *arguments: object) -> None:
                """Write nothing."""

        super().__init__(Handler)
        names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
        urls = {name: f"{self.url}/{path}" for name, path in names.items()}
        self.replies["/directory"] = (200, {}, urls | directory)
        self.replies["/nonce"] = (200, {}, b"")

    def payloads(self, path: str) -> list[Any]:
        """Return the signed contents of the requests for a path."""
        encoded = [json.loads(body)["payload"] for body in self.bodies[path]]
        return [json.loads(urlsafe_b64decode(text + "==")) for text in encoded]

    def count(self, path: str) -> int:
        """Return the number of requests for a path."""
        return sum(requested == path for _, requested, _ in self.requests)


def problem(code: str, detail: str = "", **more: Any) -> dict[str, Any]:
    """Return a problem document of an ACME server."""
    return {"type": PROBLEM + code, "detail": detail, **more}
