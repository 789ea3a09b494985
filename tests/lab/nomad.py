"""A stand-in for Nomad: its HTTP API for services, jobs and events on a real socket, without any scheduler.

It follows Nomad's documentation of the API (services, jobs, events): indexes, namespaces, ACL tokens, the
filter `Tags contains "x"`, and an event stream that replays its newest events and sends heartbeats.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.lab.http_server import Handler, HttpServer

BUFFER = 100
"""The events that a new stream gets, as in Nomad."""

HEARTBEAT = 1.0
"""Seconds between heartbeats; 10 in Nomad."""

_FILTER = re.compile(r'Tags contains "(.*)"\Z')
_SERVICE = "/v1/service/"
_SINGLE = (_SERVICE, "/v1/job/")
_NO_LEADER = "No cluster leader"


class Nomad(HttpServer):
    """Serves inside `with`. `token` is the one that may read; `leaderless` makes every call fail.

    Requests for one service or job are counted while they are in flight, and wait for `gate`.
    """

    def __init__(self, port: int = 0, certificate: Path | None = None, token: str = "") -> None:
        self.token = token
        self.leaderless = False
        self.requests: list[str] = []
        self.streams = 0
        self.gate = threading.Event()
        self.gate.set()
        self.in_flight = 0
        self.most_in_flight = 0
        self._changed = threading.Condition()
        self._stopped = False
        self._index = 10
        self._numbers = itertools.count()
        self._services: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self._jobs: dict[str, dict[str, Any]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=BUFFER)
        nomad = self

        class Api(Handler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:  # noqa: N802 - the name that the base class calls
                nomad.handle(self)

        super().__init__(Api, port, certificate)

    def stop(self) -> None:
        self.gate.set()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        super().stop()

    def register(
        self,
        name: str,
        *tags: str,
        port: int = 80,
        address: str = "127.0.0.1",
        own: str = "",
        namespace: str = "default",
    ) -> str:
        """Register an instance of a service, or replace the one with the id `own`; return its id."""
        with self._changed:
            own = own or f"_nomad-task-{next(self._numbers)}-{name}"
            self._index += 1
            registered = self._services[name][own] = {
                "ID": own,
                "ServiceName": name,
                "Namespace": namespace,
                "NodeID": "6d7f412e-e7ff-2e66-d47b-867b0e9d8726",
                "Datacenter": "dc1",
                "JobID": name,
                "AllocID": "07501480-8175-8071-7da6-133bd1ff890f",
                "Tags": list(tags),
                "Address": address,
                "Port": port,
                "CreateIndex": self._index,
                "ModifyIndex": self._index,
            }
            self._publish("Service", "ServiceRegistration", own, {"Service": registered}, namespace)
        return own

    def deregister(self, own: str) -> None:
        """Remove an instance."""
        with self._changed:
            self._index += 1
            removed = next(each for each in self._services.values() if own in each).pop(own)
            self._publish("Service", "ServiceDeregistration", own, {"Service": removed}, removed["Namespace"])

    def put_job(self, own: str, *services: tuple[str, list[str]], count: int) -> None:
        """Register a job with one task group of `count` instances and these services (name, tags)."""
        with self._changed:
            self._index += 1
            defined = [{"Name": name, "Tags": tags} for name, tags in services]
            group = {
                "Name": "group",
                "Count": count,
                "Scaling": {"Enabled": True, "Min": 0, "Max": 9},
                "Services": defined[:1],
                "Tasks": [{"Name": "task", "Services": defined[1:]}],
            }
            self._jobs[own] = {"ID": own, "Namespace": "default", "TaskGroups": [group]}
            self._publish("Job", "JobRegistered", own, {"Job": self._jobs[own]}, "default")

    def remove_job(self, own: str) -> None:
        """Remove a job, as `nomad job stop -purge` does."""
        with self._changed:
            self._index += 1
            self._publish("Job", "JobDeregistered", own, {"Job": self._jobs.pop(own)}, "default")

    def forget(self) -> None:
        """Remove everything without an event, as if the state had been lost."""
        with self._changed:
            self._services.clear()
            self._events.clear()

    def _is_due(self, sent: int) -> bool:
        return self._stopped or self._index > sent

    def _publish(self, topic: str, kind: str, key: str, payload: dict[str, Any], namespace: str) -> None:
        self._events.append(
            {
                "Topic": topic,
                "Type": kind,
                "Key": key,
                "Namespace": namespace,
                "Index": self._index,
                "Payload": payload,
            }
        )
        self._changed.notify_all()

    def handle(self, request: Handler) -> None:
        """Respond to one request."""
        parts = urlsplit(request.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        namespace = query.get("namespace", "default")
        self.requests.append(request.path)
        if self.leaderless:
            request.reply(500, _NO_LEADER.encode())
        elif self.token and request.headers.get("X-Nomad-Token") != self.token:
            request.reply(403, b"Permission denied")
        elif parts.path == "/v1/event/stream":
            self._stream(request, parse_qs(parts.query).get("topic", []), namespace)
        else:
            with self._counted() if parts.path.startswith(_SINGLE) else nullcontext():
                found = self._find(unquote(parts.path), query, namespace)
            if found is None:
                request.reply(404, b"job not found")
            else:
                self._send(request, found)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.gate.wait()
        yield
        with self._changed:
            self.in_flight -= 1

    def _find(self, path: str, query: dict[str, str], namespace: str) -> Any:
        with self._changed:
            if path == "/v1/services":
                tags: dict[str, set[str]] = {}
                for name in self._services:
                    for each in self._instances(name, namespace):
                        tags.setdefault(name, set()).update(each["Tags"])
                stubs = [{"ServiceName": name, "Tags": sorted(tags[name])} for name in sorted(tags)]
                return [{"Namespace": namespace, "Services": stubs}]
            if path.startswith(_SERVICE):
                wanted = _FILTER.match(query.get("filter", ""))
                instances = self._instances(path.removeprefix(_SERVICE), namespace)
                return [each for each in instances if wanted is None or wanted[1] in each["Tags"]]
            if path == "/v1/jobs":
                return [{"ID": own} for own in self._jobs]
            return self._jobs.get(path.removeprefix("/v1/job/"))

    def _instances(self, name: str, namespace: str) -> list[dict[str, Any]]:
        found = self._services.get(name, {}).values()
        return [each for each in found if each["Namespace"] == namespace]

    def _send(self, request: Handler, value: Any) -> None:
        body = json.dumps(value).encode()
        request.send_response(200)
        request.send_header("X-Nomad-Index", str(self._index))
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _stream(self, request: Handler, topics: list[str], namespace: str) -> None:
        wanted = {topic.partition(":")[0] for topic in topics}
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        sent = 0
        with self._changed:
            self.streams += 1
        while True:
            with self._changed:
                # The last index of each event is higher than those before it.
                self._changed.wait_for(partial(self._is_due, sent), HEARTBEAT)
                if self._stopped:
                    return
                new = [
                    each
                    for each in self._events
                    if each["Index"] > sent and each["Topic"] in wanted and each["Namespace"] == namespace
                ]
                sent = self._index
            lines = [json.dumps({"Index": each["Index"], "Events": [each]}) for each in new] or ["{}"]
            data = "".join(f"{line}\n" for line in lines).encode()
            request.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
