"""HTTP/2 over TLS: some rows of the conformance tables, floods, and content that takes many TLS records."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from proxy.http2.errors import INADEQUATE_SECURITY
from proxy.http2.frames import HEADERS
from tests.lab.certificate import write_certificate
from tests.lab.http2.client import Client
from tests.lab.origin import Origin
from tests.lab.ports import free_port
from tests.proxy.http2.conftest import Server
from tests.proxy.http2.floods import FLOODS, repeat
from tests.proxy.http2.rows.row import Row, problem
from tests.proxy.http2.test_conformance import ROWS
from tests.proxy.running import lone_proxy
from tests.proxy.tls.handshakes import client_context

SAMPLE = ROWS[::13]
"""Rows of all sections. TLS changes nothing of what they are about, but how a connection ends."""


@dataclass(frozen=True, slots=True)
class Secured:
    port: int
    context: ssl.SSLContext


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """An entry point with TLS, behind which everything is served."""
    certificate = write_certificate(tmp_path_factory.mktemp("tls") / "own.pem")
    port = free_port()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    flags = (
        f"--entryPoints.websecure.address=127.0.0.1:{port}",
        f"--entryPoints.websecure.tls.certificates={certificate},{certificate}",
    )
    server = Server()
    with lone_proxy(*flags) as proxy, Origin(server) as origin:
        proxy.route(origin, rule="PathPrefix(`/`)")
        yield Secured(port, context)
        server.ended.set()
        assert "Traceback" not in proxy.process.log, proxy.process.log[-2000:]


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.id)
def test_a_clients_frames(secured: Secured, case: Row) -> None:
    assert problem(secured.port, case, tls=secured.context) == ""


@pytest.mark.parametrize("name", ["PING", "rapid reset", "empty DATA", "expansion by HPACK"])
def test_a_flood_ends_its_connection(secured: Secured, name: str) -> None:
    flood = FLOODS[name]
    with Client(secured.port, tls=secured.context, timeout=5) as client:
        client.start()
        client.send(flood.begin)
        assert repeat(client, flood.piece, flood.count), client.told()


def test_content_of_many_records_passes_both_ways(secured: Secured) -> None:
    with Client(secured.port, tls=secured.context) as client:
        client.start()
        numbers = [client.request(b"/large") for _ in range(20)]
        upload = client.request(b"/upload", method=b"POST", content=bytes(3_000_000))
        for number in numbers:
            assert len(client.wait_for(number).content) == 300_000
        assert client.wait_for(upload).content == b"hello"


@pytest.mark.parametrize(
    ("suite", "error"),
    [("ECDHE-ECDSA-CHACHA20-POLY1305", None), ("ECDHE-ECDSA-AES128-SHA256", INADEQUATE_SECURITY)],
    ids=["AEAD", "CBC"],
)
def test_a_prohibited_cipher_suite_ends_the_connection(
    secured: Secured, suite: str, error: int | None
) -> None:
    context = client_context(ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(suite)
    context.set_alpn_protocols(["h2"])
    with Client(secured.port, tls=context) as client:
        client.start()
        number = client.request(b"/")
        if error is None:
            assert client.wait_for(number).status == 200
        else:
            assert client.wait_for_end()
            assert not client.count(HEADERS)
        assert (client.goaway and client.goaway.code) == error
