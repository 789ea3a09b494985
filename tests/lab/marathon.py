"""A stand-in for Marathon: its HTTP API for apps, and its event stream, on a real socket.

It follows Marathon's documentation of `GET /v2/apps` with embedded tasks, and of the event stream
(`text/event-stream` at `/v2/events`).
"""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import Any

from tests.lab.http_server import Handler, HttpServer


class Marathon(HttpServer):
    """Serves `apps` by id inside `with`; `authorization` is the header that requests must have, if any."""

    def __init__(self, port: int = 0, authorization: str = "") -> None:
        self.apps: dict[str, dict[str, Any]] = {}
        self.authorization = authorization
        self.requests: list[str] = []
        self.streams = 0
        self._changed = threading.Condition()
        self._events: list[str] = []
        self._stopped = False
        marathon = self

        class Api(Handler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
                marathon.handle(self)

        super().__init__(Api, port)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        super().stop()

    def put(self, own: str, *ports: int, labels: dict[str, str] | None = None, **more: Any) -> None:
        """Set an app with a running task for each port, and send the event of a changed task."""
        tasks = [
            {
                "id": f"{own.strip('/').replace('/', '_')}.{number}",
                "appId": own,
                "host": "127.0.0.1",
                "ports": [port],
                "state": "TASK_RUNNING",
                "startedAt": "2020-01-01T00:00:00.000Z",
            }
            for number, port in enumerate(ports)
        ]
        self.apps[own] = {"id": own, "labels": labels or {}, "tasks": tasks, "deployments": [], **more}
        self.send("status_update_event")

    def remove(self, own: str) -> None:
        """Remove an app, and send the event of its end."""
        del self.apps[own]
        self.send("app_terminated_event")

    def send(self, name: str) -> None:
        """Send an event."""
        with self._changed:
            self._events.append(name)
            self._changed.notify_all()

    def handle(self, request: Handler) -> None:
        """Respond to one request."""
        self.requests.append(request.path)
        if self.authorization and request.headers.get("Authorization") != self.authorization:
            request.reply(401, b"no")
        elif request.path.startswith("/v2/apps?embed=apps.tasks"):
            request.reply(200, json.dumps({"apps": list(self.apps.values())}).encode())
        elif request.path == "/v2/events":
            self._stream(request)
        else:
            request.reply(404)

    def _is_due(self, sent: int) -> bool:
        return self._stopped or len(self._events) > sent

    def _stream(self, request: Handler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.send_header("Connection", "close")
        request.end_headers()
        with self._changed:
            sent = len(self._events)
            self.streams += 1
        request.wfile.write(b"event: event_stream_attached\r\ndata: {}\r\n\r\n")
        while True:
            with self._changed:
                self._changed.wait_for(partial(self._is_due, sent))
                if self._stopped:
                    return
                new, sent = self._events[sent:], len(self._events)
            for name in new:
                data = json.dumps({"eventType": name})
                request.wfile.write(f"event: {name}\r\ndata: {data}\r\n\r\n".encode())
