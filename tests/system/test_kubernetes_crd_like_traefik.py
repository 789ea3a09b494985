"""Traefik 3 and Rondpoint read the same custom resources from one API server and respond alike.

The API server is an imitation. Listed differences are tested, too: one that no longer exists is an error.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from http import HTTPStatus

import pytest
import yaml

from tests.discovery.certificates.pairs import MadePair, make_pair, private_key
from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.custom_resources import GROUP, install
from tests.lab.kubernetes.manifests import Manifest, endpoint, endpoint_slice, manifest, secret, service
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system.custom_resources_of_traefik import CASES, DIFFERENCES, NAMES_OF_OURS, NAMES_OF_THEIRS, Case

SHOWN = ("Location", "WWW-Authenticate")
REQUESTS = 4


def respond(name: str, connection: Connection) -> None:
    """Send the server's name and what it got; a path `/status/NNN` asks for that status."""
    while (request := connection.read()) is not None:
        status = int(request.target.partition("/status/")[2] or 200)
        lines = (name, request.method, request.target, request.header("Host"), request.header("X-Added"))
        connection.send(http_response(" ".join(map(str, lines)).encode(), status=f"{status} Status"))


def respond_over_tls(context: ssl.SSLContext, connection: Connection) -> None:
    with suppress(OSError):
        connection.socket = context.wrap_socket(connection.socket, server_side=True)
        respond("secure", connection)


@pytest.fixture(scope="module")
def server_pair() -> MadePair:
    return make_pair("localhost")


@pytest.fixture(scope="module")
def client_pair() -> MadePair:
    return make_pair("client.test", key=private_key(number=1))


@pytest.fixture(scope="module")
def secure(
    server_pair: MadePair, client_pair: MadePair, tmp_path_factory: pytest.TempPathFactory
) -> ssl.SSLContext:
    """The context of a server that demands the client certificate."""
    file = tmp_path_factory.mktemp("secure") / "server.pem"
    file.write_text(server_pair.certificate + server_pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=client_pair.certificate)
    return context


@pytest.fixture(scope="module")
def origins(secure: ssl.SSLContext) -> Iterator[dict[str, Origin]]:
    handlers = {name: partial(respond, name) for name in ("one", "two", "native")}
    handlers["secure"] = partial(respond_over_tls, secure)
    with ExitStack() as stack:
        yield {name: stack.enter_context(Origin(handler)) for name, handler in handlers.items()}


@pytest.fixture(scope="module")
def api(origins: dict[str, Origin], server_pair: MadePair, client_pair: MadePair) -> Iterator[ApiServer]:
    with ApiServer() as server:
        install(server)
        server.apply(*cluster(origins))
        server.apply(
            secret("authority", {"tls.ca": server_pair.certificate}),
            secret("client", {"tls.crt": client_pair.certificate, "tls.key": client_pair.key}),
        )
        for name, case in CASES.items():
            server.apply(*manifests_of(name, case, origins["secure"].port))
        yield server


def cluster(origins: dict[str, Origin]) -> Iterator[Manifest]:
    """Yield the services that the routes use, and objects of another namespace."""
    ports = {name: origin.port for name, origin in origins.items()}
    for name in ("one", "two", "both", "secure"):
        yield service(name, ports=(("web", 80),))
    for name, address, origin in (
        ("one", "127.0.0.1", "one"),
        ("two", "127.0.0.1", "two"),
        ("secure", "127.0.0.1", "secure"),
        ("both", "127.0.0.1", "one"),
        # Traefik takes each address of a service only once.
        ("both", "localhost", "two"),
    ):
        yield endpoint_slice(
            name, [endpoint(address)], ports=(("web", ports[origin]),), name=f"{name}-{origin}"
        )
    yield service("idle", ports=(("web", 80),))
    yield service("native", ports=(("web", ports["native"]),), clusterIP="127.0.0.1")
    yield service("external", type="ExternalName", externalName="localhost")
    yield service("there", namespace="elsewhere")
    yield endpoint_slice("there", [endpoint("127.0.0.1")], ports=(("", ports["one"]),), namespace="elsewhere")
    yield manifest(GROUP, "Middleware", "add", "elsewhere", spec={"addPrefix": {"prefix": "/elsewhere"}})


def manifests_of(name: str, case: Case, secure_port: int) -> Iterator[Manifest]:
    spec = yaml.safe_load(case.spec.replace("{n}", name))
    yield manifest(GROUP, "IngressRoute", name, spec=spec)
    others = case.others.replace("{n}", name).replace("{secure}", str(secure_port))
    for item in yaml.safe_load_all(others):
        if item is not None:
            group = "v1" if item["kind"] == "Secret" else GROUP
            yield {"apiVersion": group, **item, "metadata": {"namespace": "default", **item["metadata"]}}


class Pair:
    """Both proxies, on the same API server; `admin` is the port of Traefik's API."""

    def __init__(self, ours: Installation, theirs: Installation, admin: int) -> None:
        self.ours, self.theirs = ours, theirs
        self._admin = admin

    def names(self, kind: str) -> tuple[set[str], set[str]]:
        """Return the names of the objects of this provider that each of the two serves."""
        answer = http.request(self._admin, "localhost", f"/api/http/{kind}?per_page=1000")
        theirs = json.loads(answer.body)
        ours = self.ours.api(f"/api/http/{kind}?per_page=1000")
        return names_of(ours), names_of(theirs)


def names_of(objects: list[dict[str, str]]) -> set[str]:
    return {
        each["name"]
        for each in objects
        if each["name"].endswith("@kubernetescrd") and each["status"] == "enabled"
    }


@pytest.fixture(scope="module")
def pair(
    api: ApiServer, origins: dict[str, Origin], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    path = tmp_path_factory.mktemp("routes") / "routes.yml"
    servers = [{"url": origins["two"].url}]
    http_section = {
        "middlewares": {"added": {"addPrefix": {"prefix": "/of-a-file"}}},
        "services": {"two": {"loadBalancer": {"servers": servers}}},
    }
    path.write_text(json.dumps({"http": http_section}))
    flags = (f"--providers.kubernetesCRD.endpoint={api.url}", f"--providers.file.filename={path}")
    processes = Processes()
    try:
        admin = free_port()
        theirs = start_traefik(
            processes, *flags, "--api.insecure=true", f"--entryPoints.traefik.address=127.0.0.1:{admin}"
        )
        ours = start(processes, "--workers=1", f"--store.secret={'0123456789abcdef' * 2}", *flags)
        for proxy in (ours, theirs):
            until(lambda proxy=proxy: proxy.request("of-a-file.test").status == 200, "the routes")
        yield Pair(ours, theirs, admin)
    finally:
        processes.stop()


def outcome(proxy: Installation, line: str) -> tuple[int, frozenset[str], tuple[str | None, ...]]:
    """Send REQUESTS equal requests; return status, what servers sent, and the headers in SHOWN."""
    method, _, rest = line.rpartition(" ")
    where, _, target = rest.partition("/")
    user, at, host = where.rpartition("@")
    headers = {"Authorization": f"Basic {base64.b64encode(user.encode()).decode()}"} if at else {}
    responses = [
        proxy.request(host, f"/{target}", method=method or "GET", headers=headers) for _ in range(REQUESTS)
    ]
    (status,) = {response.status for response in responses}
    texts = frozenset(response.text for response in responses) if status == HTTPStatus.OK else frozenset()
    return status, texts, tuple(responses[0].header(name) for name in SHOWN)


SAMPLES = [(name, request.replace("{n}", name)) for name, case in CASES.items() for request in case.requests]


@pytest.mark.parametrize(("name", "line"), SAMPLES, ids=[f"{name} {line}" for name, line in SAMPLES])
def test_both_respond_alike(name: str, line: str, pair: Pair) -> None:
    ours, theirs = (outcome(proxy, line) for proxy in (pair.ours, pair.theirs))
    key = f"{name} {line}"
    if key in DIFFERENCES:
        assert ours != theirs, f"the difference is gone: {DIFFERENCES[key]}"
    else:
        assert ours == theirs


def test_there_are_enough_requests_and_most_are_served(pair: Pair) -> None:
    assert len(SAMPLES) >= 60
    assert sum(outcome(pair.ours, line)[0] == HTTPStatus.OK for _, line in SAMPLES) >= 40


@pytest.mark.parametrize("kind", ["routers", "services", "middlewares"])
def test_objects_have_the_same_names(kind: str, pair: Pair) -> None:
    def differences() -> tuple[set[str], set[str]]:
        ours, theirs = pair.names(kind)
        return ours - theirs, theirs - ours

    # A server that failed a request just now is ejected for a while, and its services are not enabled then.
    expected = NAMES_OF_OURS.get(kind, set()), NAMES_OF_THEIRS.get(kind, set())
    until(lambda: differences() == expected, f"names of {kind} that differ as expected: {expected}")
