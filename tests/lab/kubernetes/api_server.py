"""A stand-in for the Kubernetes API server: lists in pages, watches with resource versions, and faults.

It follows the API's documentation (resource versions, bookmarks, `410 Gone`, chunked lists, label selectors,
initial events of a watch); no code of Kubernetes runs in it. Traefik's client accepts it, too.
"""

import copy
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.lab.background import Background
from tests.lab.kubernetes.manifests import Manifest
from tests.lab.ports import free_port

RESOURCES = {
    ("v1", "Service"): "/api/v1/services",
    ("v1", "Secret"): "/api/v1/secrets",
    ("v1", "ConfigMap"): "/api/v1/configmaps",
    ("v1", "Node"): "/api/v1/nodes",
    ("v1", "Namespace"): "/api/v1/namespaces",
    ("discovery.k8s.io/v1", "EndpointSlice"): "/apis/discovery.k8s.io/v1/endpointslices",
    ("networking.k8s.io/v1", "Ingress"): "/apis/networking.k8s.io/v1/ingresses",
    ("networking.k8s.io/v1", "IngressClass"): "/apis/networking.k8s.io/v1/ingressclasses",
}
"""The resources that a server knows from its start, by apiVersion and kind, and their paths."""

Key = tuple[str, str, str]
"""The path of a resource, a namespace, and a name."""


class ApiServer(Background):
    """Serves inside `with`. Its methods may be called from the test; each change wakes the watches."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__("Kubernetes API")
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests: list[str] = []
        """Method and target of each request."""
        self.tokens: list[str] = []
        """The `Authorization` header of each request."""
        self.accepted_token = ""
        """If set, requests with another bearer token get a 401."""
        self.resources = dict(RESOURCES)
        self.forbid_writes = False
        """Whether every change through the API is refused."""
        self.waiting_writes = 0
        """Changes through the API that wait for the end of `held_writes`."""
        self._writes_held = threading.Event()
        self._writes_let = threading.Event()
        self.expire_continuations = False
        """Whether every continuation of a list is too old."""
        self.state = State()
        self._forbidden: set[str] = set()
        self._server: ThreadingHTTPServer | None = None
        self._open: set[socket.socket] = set()
        self._make_server()

    def run(self) -> None:
        assert self._server is not None
        self._server.serve_forever(0.01)

    def stop(self) -> None:
        self._shut_down()

    def apply(self, *manifests: Manifest) -> None:
        """Create or replace objects."""
        for each in manifests:
            self.state.put(self._key_of(each), each)

    def delete(self, given: Manifest) -> None:
        self.state.delete(self._key_of(given))

    def get(self, given: Manifest) -> Manifest:
        """Return the object of this kind, namespace and name as it is stored."""
        return self.state.objects[self._key_of(given)]

    def install(self, api_version: str, kind: str, plural: str) -> None:
        """Make a resource known, as a CustomResourceDefinition does."""
        self.resources[api_version, kind] = f"/apis/{api_version}/{plural}"

    def uninstall(self, api_version: str, kind: str) -> None:
        """Make a resource unknown: requests for it get a 404."""
        del self.resources[api_version, kind]

    def forbid(self, *plurals: str) -> None:
        """Refuse to list and watch these resources, and no others."""
        self._forbidden = set(plurals)

    def compact(self) -> None:
        """Forget the history: watches from earlier versions get 410, those that are open get the event."""
        self.state.compact()

    def end_watches(self) -> None:
        """End all watches properly, as the API server does after some minutes."""
        self.state.end_watches()

    def cut(self) -> None:
        """Cut all connections."""
        for each in list(self._open):
            _cut(each)

    @contextmanager
    def held_writes(self) -> Iterator[None]:
        """Make no change through the API and answer none, until the block ends."""
        self._writes_let.clear()
        self._writes_held.set()
        try:
            yield
        finally:
            self._writes_held.clear()
            self._writes_let.set()

    def hold_write(self) -> None:
        """Wait until writes are not held."""
        if self._writes_held.is_set():
            self.waiting_writes += 1
            self._writes_let.wait()
            self.waiting_writes -= 1

    def bookmark(self) -> None:
        """Send a bookmark in all watches."""
        self.state.bookmark()

    def go(self) -> None:
        """Stop to serve: connections are cut, and new ones refused."""
        self._shut_down()
        self._thread.join()

    def come_back(self, state: "State | None" = None) -> None:
        """Serve again on the same port, with the objects from before or with another state."""
        if state is not None:
            self.state = state
        self._make_server()
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def _shut_down(self) -> None:
        if self._server is None:
            return
        server, self._server = self._server, None
        server.shutdown()
        server.server_close()
        self.state.end_watches()
        self.cut()

    def _make_server(self) -> None:
        handler = type("BoundHandler", (_Handler,), {"api": self})
        self._server = _Server(("127.0.0.1", self.port), handler)

    def _key_of(self, given: Manifest) -> Key:
        metadata = given["metadata"]
        path = self.resources[given["apiVersion"], given["kind"]]
        return path, metadata.get("namespace", ""), metadata["name"]

    def kind_at(self, path: str) -> tuple[str, str] | None:
        """Return apiVersion and kind of the resource at a path."""
        return next((kind for kind, known in self.resources.items() if known == path), None)

    def is_forbidden(self, path: str) -> bool:
        return path.rpartition("/")[2] in self._forbidden


class State:
    """The objects, their versions, and the history that watches follow."""

    def __init__(self, first_version: int = 1000) -> None:
        self.objects: dict[Key, Manifest] = {}
        self.version = first_version
        self.changed = threading.Condition()
        self.epoch = 0
        """Grows when all watches should end."""
        self._history: list[tuple[int, str, Key, Manifest]] = []
        self._oldest = 0

    def put(self, key: Key, given: Manifest) -> None:
        with self.changed:
            self.version += 1
            made = copy.deepcopy(given)
            made["metadata"]["resourceVersion"] = str(self.version)
            made["metadata"].setdefault("uid", f"uid-{'-'.join(key[1:])}")
            kind = "MODIFIED" if key in self.objects else "ADDED"
            self.objects[key] = made
            self._history.append((self.version, kind, key, made))
            self.changed.notify_all()

    def delete(self, key: Key) -> None:
        with self.changed:
            self.version += 1
            gone = copy.deepcopy(self.objects.pop(key))
            gone["metadata"]["resourceVersion"] = str(self.version)
            self._history.append((self.version, "DELETED", key, gone))
            self.changed.notify_all()

    def compact(self) -> None:
        with self.changed:
            self.version += 1
            self._oldest = self.version
            self._history.clear()
            self.changed.notify_all()

    def end_watches(self) -> None:
        with self.changed:
            self.epoch += 1
            self.changed.notify_all()

    def bookmark(self) -> None:
        with self.changed:
            self.version += 1
            self._history.append((self.version, "BOOKMARK", ("", "", ""), {}))
            self.changed.notify_all()

    def since(self, version: int) -> list[tuple[int, str, Key, Manifest]] | None:
        """Return the changes after a version, or None if that is too old."""
        if version < self._oldest:
            return None
        found = []
        for entry in reversed(self._history):
            if entry[0] <= version:
                break
            found.append(entry)
        return found[::-1]


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


class _Handler(BaseHTTPRequestHandler):
    api: ApiServer
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.api._open.add(self.connection)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def finish(self) -> None:
        self.api._open.discard(self.connection)
        try:
            super().finish()
        except OSError:
            return  # The connection was cut.

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # The connection was cut.

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        found = self._look_up(target.path)
        if found is None:
            return
        path, namespace, name, _ = found
        if name:
            stored = self.api.state.objects.get((path, namespace, name))
            self._send(404, _status(404, "not found")) if stored is None else self._send(200, stored)
        elif query.get("watch") in ("true", "1"):
            self._watch(path, namespace, query)
        else:
            self._list(path, namespace, query)

    def do_POST(self) -> None:
        body = self._read_body()
        found = self._look_up(urlsplit(self.path).path)
        if found is None:
            return
        key = (found[0], found[1], body["metadata"]["name"])
        if key in self.api.state.objects:
            self._send(409, _status(409, "already exists"))
            return
        self.api.state.put(key, body)
        self._send(201, self.api.state.objects[key])

    def do_DELETE(self) -> None:
        found = self._look_up(urlsplit(self.path).path)
        if found is None:
            return
        stored = self.api.state.objects.get(found[:3])
        if stored is None:
            self._send(404, _status(404, "not found"))
            return
        self.api.state.delete(found[:3])
        self._send(200, stored)

    def do_PUT(self) -> None:
        body = self._read_body()
        found = self._look_up(urlsplit(self.path).path)
        if found is None:
            return
        path, namespace, name, subresource = found
        self.api.hold_write()
        state = self.api.state
        stored = state.objects.get((path, namespace, name))
        if stored is None:
            self._send(404, _status(404, "not found"))
        elif body["metadata"].get("resourceVersion") != stored["metadata"]["resourceVersion"]:
            self._send(409, _status(409, "the object has been modified"))
        else:
            merged = {**stored, "status": body.get("status", {})} if subresource == "status" else body
            state.put((path, namespace, name), merged)
            self._send(200, state.objects[path, namespace, name])

    def _read_body(self) -> Any:
        """Return the body, decoded from JSON. Raises ConnectionError if the client left before its end."""
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client has left")
        return json.loads(body)

    def _look_up(self, target: str) -> tuple[str, str, str, str] | None:
        """Return resource path, namespace, name and subresource; else respond with an error."""
        self.api.requests.append(f"{self.command} {self.path}")
        token = self.headers.get("Authorization", "")
        self.api.tokens.append(token)
        if self.api.accepted_token and token != f"Bearer {self.api.accepted_token}":
            self._send(401, _status(401, "Unauthorized"))
            return None
        parts = target.strip("/").split("/")
        group = parts[: 2 if parts[0] == "api" else 3]
        rest = parts[len(group) :]
        namespace = ""
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        plural, name, subresource = (*rest, "", "", "")[:3]
        path = "/" + "/".join((*group, plural))
        if self.api.kind_at(path) is None:
            self._send(404, _status(404, "the server could not find the requested resource"))
            return None
        if self.api.is_forbidden(path) or (self.api.forbid_writes and self.command != "GET"):
            self._send(
                403, _status(403, f'{plural} is forbidden: User "system:serviceaccount:x:y" cannot list')
            )
            return None
        return path, namespace, name, subresource

    def _list(self, path: str, namespace: str, query: dict[str, str]) -> None:
        state = self.api.state
        with state.changed:
            items = list(self._selected(path, namespace, query))
            version = state.version
        first = 0
        if "continue" in query:
            first, asked = map(int, query["continue"].split(":"))
            if self.api.expire_continuations or state.since(asked) is None:
                self._send(410, _status(410, "the provided continue parameter is too old"))
                return
            version = asked
        limit = int(query.get("limit") or 0) or len(items)
        page, rest = items[first : first + limit], items[first + limit :]
        metadata = {"resourceVersion": str(version)}
        if rest:
            metadata["continue"] = f"{first + limit}:{version}"
        api_version, kind = self.api.kind_at(path) or ("", "")
        self._send(
            200, {"apiVersion": api_version, "kind": f"{kind}List", "metadata": metadata, "items": page}
        )

    def _selected(self, path: str, namespace: str, query: dict[str, str]) -> Iterator[Manifest]:
        matches = _matcher(query.get("labelSelector", ""))
        for (known, its_namespace, _), each in sorted(self.api.state.objects.items()):
            if known == path and namespace in ("", its_namespace) and matches(each):
                yield each

    def _watch(self, path: str, namespace: str, query: dict[str, str]) -> None:
        state = self.api.state
        epoch = state.epoch
        version = int(query.get("resourceVersion") or 0)
        initial = query.get("sendInitialEvents") == "true"
        with state.changed:
            if not initial and version and state.since(version) is None:
                self._send(410, _status(410, "too old resource version"))
                return
            events: list[Manifest] = []
            if initial or not version:
                events = [
                    {"type": "ADDED", "object": each} for each in self._selected(path, namespace, query)
                ]
                version = state.version
        if initial:
            events.append({"type": "BOOKMARK", "object": self._bookmark(path, version, end=True)})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        matches = _matcher(query.get("labelSelector", ""))
        while True:
            for each in events:
                self._chunk(json.dumps(each).encode() + b"\n")
            if events and events[-1]["type"] == "ERROR":
                break
            with state.changed:
                while (found := state.since(version)) == [] and state.epoch == epoch:
                    state.changed.wait()
                if state.epoch != epoch:
                    break
            if found is None:
                events = [{"type": "ERROR", "object": _status(410, "too old resource version")}]
                continue
            version = found[-1][0]
            events = list(self._events(found, path, namespace, matches))
        self._chunk(b"")

    def _events(
        self,
        found: Iterable[tuple[int, str, Key, Manifest]],
        path: str,
        namespace: str,
        matches: Callable[[Manifest], bool],
    ) -> Iterator[Manifest]:
        for version, kind, (known, its_namespace, _), item in found:
            if kind == "BOOKMARK":
                yield {"type": kind, "object": self._bookmark(path, version)}
            elif known == path and namespace in ("", its_namespace):
                # An object that no longer matches the selector is deleted for this watch.
                yield {"type": kind if matches(item) else "DELETED", "object": item}

    def _bookmark(self, path: str, version: int, *, end: bool = False) -> Manifest:
        api_version, kind = self.api.kind_at(path) or ("", "")
        metadata: Manifest = {"resourceVersion": str(version)}
        if end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata}

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
        self.wfile.flush()

    def _send(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _status(code: int, message: str) -> Manifest:
    reasons = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired"}
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reasons[code],
        "code": code,
    }


def _matcher(selector: str) -> Callable[[Manifest], bool]:
    """Return what checks an object's labels against a selector such as `a=b,c!=d`."""
    terms = [term.strip() for term in selector.split(",") if term.strip()]

    def matches(item: Manifest) -> bool:
        labels = item["metadata"].get("labels", {})
        for term in terms:
            name, equals, value = term.partition("!=" if "!=" in term else "=")
            if (labels.get(name) == value) == (equals == "!="):
                return False
        return True

    return matches


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # Its peer has closed it.


if __name__ == "__main__":
    with ApiServer(port=int(sys.argv[1])):
        threading.Event().wait()
