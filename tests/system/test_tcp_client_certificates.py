"""A client certificate from a secret, through agent, store and proxy, to a TCP server that demands it.

The store must hold the private key sealed.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from rondpoint.store.client import connect
from tests.discovery.certificates.pairs import MadePair, make_pair, private_key
from tests.lab import http
from tests.lab.installation import Installation
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.custom_resources import GROUP, install
from tests.lab.kubernetes.manifests import endpoint, endpoint_slice, manifest, secret, service
from tests.lab.origin import Connection, Origin, http_response
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.waiting import until

SECRET = "0123456789abcdef" * 2
MARKER = b"PRIVATE KEY"


@pytest.fixture
def store() -> Iterator[Store]:
    with TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory)) as running:
        yield running


def server_context(own: MadePair, client: MadePair, directory: Path) -> ssl.SSLContext:
    """Return the context of a server that demands the client's certificate."""
    file = directory / "server.pem"
    file.write_text(own.certificate + own.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=client.certificate)
    return context


def respond(context: ssl.SSLContext, connection: Connection) -> None:
    with suppress(OSError):
        connection.socket = context.wrap_socket(connection.socket, server_side=True)
        while connection.read() is not None:
            connection.send(http_response(b"secure"))


def texts_of(client: redis.Redis, key: bytes) -> Iterator[bytes]:
    """Yield the values of a key of any type."""
    kind = client.type(key)
    if kind == b"hash":
        yield from client.hgetall(key).values()
    elif kind == b"string":
        yield client.get(key)
    elif kind == b"list":
        yield from client.lrange(key, 0, -1)
    elif kind == b"set":
        yield from client.smembers(key)
    elif kind == b"stream":
        yield from (value for _, fields in client.xrange(key) for value in fields.values())


def test_a_client_certificate_reaches_the_server_and_its_key_is_sealed_in_the_store(
    installation: Callable[..., Installation], store: Store, tmp_path: Path
) -> None:
    own, client = make_pair("db.internal"), make_pair("client.test", key=private_key(number=1))
    raw = free_port()
    transport = {
        "tls": {
            "serverName": "db.internal",
            "rootCAs": [{"secret": "authority"}],
            "certificatesSecrets": ["client"],
        }
    }
    target = {"name": "db", "port": 5432, "tls": True, "serversTransport": "mutual"}
    routes = [{"match": "HostSNI(`*`)", "services": [target]}]
    with Origin(partial(respond, server_context(own, client, tmp_path))) as origin, ApiServer() as api:
        install(api)
        api.apply(
            service("db", ports=(("sql", 5432),)),
            endpoint_slice("db", [endpoint("127.0.0.1", ready=True)], ports=(("sql", origin.port),)),
            secret("authority", {"ca.crt": own.certificate}),
            secret("client", {"tls.crt": client.certificate, "tls.key": client.key}),
            manifest(GROUP, "ServersTransportTCP", "mutual", spec=transport),
            manifest(GROUP, "IngressRouteTCP", "db", spec={"entryPoints": ["raw"], "routes": routes}),
        )
        installation(
            "--workers=1",
            f"--redis.url={store.url}",
            f"--store.secret={SECRET}",
            "--agent.name=north",
            f"--entryPoints.raw.address=127.0.0.1:{raw}",
            "--entryPoints.web.asDefault=true",
            "--providers.docker=false",
            f"--providers.kubernetesCRD.endpoint={api.url}",
        )

        def reached() -> bool:
            with suppress(OSError):
                return http.request(raw, "any.test").text == "secure"
            return False

        until(reached, "the server that demands the certificate")
    with connect(store.url) as client_of_store:
        values = {key: list(texts_of(client_of_store, key)) for key in client_of_store.keys("*")}
        # The published configuration, and the contribution of the agent with this name.
        holders = [key for key, texts in values.items() if any(b"sealed:v1:" in text for text in texts)]
        assert len([key for key in holders if key.endswith(b"tcp-services")]) == 2, holders
        assert [key for key, texts in values.items() if any(MARKER in text for text in texts)] == []
