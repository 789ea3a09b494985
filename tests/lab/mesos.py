"""A stand-in for a Mesos master: its state and its event stream, on a real socket, without any agent.

It follows Mesos's documentation of `/master/state` and of the v1 operator API (`POST /api/v1`, SUBSCRIBE with
RecordIO), and the redirects to the leading master.
"""

from __future__ import annotations

import itertools
import json
import threading
from functools import partial
from typing import Any

from tests.lab.http_server import ADDRESS, Handler, HttpServer

_RUNS = itertools.count(1)


class Mesos(HttpServer):
    """Serves inside `with`. It leads unless `leader` names another master or is None.

    `authorization` is the header that requests must have, if any. Without `streams_events` it has no v1 API,
    as before Mesos 1.0. With `redirects` off, it responds with its own state when it does not lead.
    """

    def __init__(self, port: int = 0, authorization: str = "") -> None:
        self.authorization = authorization
        self.streams_events = True
        self.redirects = True
        self.tasks: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.streams = 0
        self.padding = 0
        self._changed = threading.Condition()
        self._events: list[str] = []
        self._stopped = False
        self._id = f"run-{next(_RUNS)}"
        mesos = self

        class Api(Handler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
                mesos.handle(self)

            def do_POST(self) -> None:  # noqa: N802 - the name that the base class calls
                mesos.handle(self)

        super().__init__(Api, port)
        self.leader: Mesos | None = self

    @property
    def address(self) -> str:
        """The `host:port` of this master."""
        return self.url.removeprefix("http://")

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        super().stop()

    def put(self, name: str, *ports: int, labels: dict[str, str] | None = None, **more: Any) -> None:
        """Replace the tasks of an application by a running task for each port, and send its event."""
        self._remove(name)
        for number, port in enumerate(ports):
            own = f"{name}.{number}"
            self.tasks[own] = {
                "id": own,
                "name": name,
                "framework_id": "framework",
                "slave_id": "agent",
                "state": "TASK_RUNNING",
                "labels": [{"key": key, "value": value} for key, value in (labels or {}).items()],
                "statuses": [{"state": "TASK_RUNNING", "timestamp": 1.0}],
                "discovery": {"name": name, "ports": {"ports": [{"number": port, "protocol": "tcp"}]}},
                **more,
            }
        self.send("TASK_ADDED")

    def remove(self, name: str) -> None:
        """Remove the tasks of an application, and send the event of their end."""
        self._remove(name)
        self.send("TASK_UPDATED")

    def send(self, kind: str) -> None:
        """Send an event."""
        with self._changed:
            self._events.append(kind)
            self._changed.notify_all()

    def restart_run(self) -> None:
        """Get another id, as a master has after a start."""
        self._id = f"run-{next(_RUNS)}"

    def handle(self, request: Handler) -> None:
        """Respond to one request."""
        self.requests.append(request.path)
        request.rfile.read(int(request.headers.get("Content-Length", "0")))
        if self.authorization and request.headers.get("Authorization") != self.authorization:
            request.reply(401, b"no")
        elif self.leader is None and self.redirects:
            request.reply(503, b"No leader elected")
        elif self.leader not in (self, None) and self.redirects:
            self._redirect(request)
        elif request.path == "/master/state":
            request.reply(200, json.dumps(self._state()).encode())
        elif (request.command, request.path) == ("POST", "/api/v1") and self.streams_events:
            self._stream(request)
        else:
            request.reply(404)

    def _remove(self, name: str) -> None:
        self.tasks = {own: task for own, task in self.tasks.items() if task["name"] != name}

    def _redirect(self, request: Handler) -> None:
        assert self.leader is not None
        path = f"/master{request.path}" if request.path == "/api/v1" else request.path
        request.send_response(307)
        request.send_header("Location", f"//{self.leader.address}{path}")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _state(self) -> dict[str, Any]:
        return {
            "version": "1.11.0",
            "id": self._id,
            "pid": f"master@{self.address}",
            "leader": "" if self.leader is None else f"master@{self.leader.address}",
            "slaves": [{"id": "agent", "hostname": "agent.test", "pid": f"slave(1)@{ADDRESS}:5051"}],
            "frameworks": [
                {"id": "framework", "name": "marathon", "tasks": list(self.tasks.values())},
                {"id": "other", "name": "chronos", "tasks": [], "completed_tasks": [{"id": "done"}]},
            ],
        }

    def _is_due(self, sent: int) -> bool:
        return self._stopped or len(self._events) > sent

    def _stream(self, request: Handler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        with self._changed:
            sent = len(self._events)
            self.streams += 1
        self._send_record(request, {"type": "SUBSCRIBED", "subscribed": {"get_state": " " * self.padding}})
        self._send_record(request, {"type": "HEARTBEAT"})
        while True:
            with self._changed:
                self._changed.wait_for(partial(self._is_due, sent))
                if self._stopped:
                    return
                new, sent = self._events[sent:], len(self._events)
            for kind in new:
                self._send_record(request, {"type": kind})

    def _send_record(self, request: Handler, event: dict[str, Any]) -> None:
        record = json.dumps(event).encode()
        data = b"%d\n%b" % (len(record), record)
        request.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
