"""ACME challenges over TLS on entry points with TCP routers: the proxy answers those of its own orders."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from rondpoint.store.client import connect as connect_to_store
from rondpoint.store.keys import Keys
from rondpoint.store.sealing import Sealer
from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.lab.store import Store
from tests.lab.tcp_server import TcpServer, announce
from tests.proxy.running import running_proxy
from tests.proxy.tcp.routing import ANYTHING, connect_tls, route
from tests.proxy.test_acme_validation import SECRET, challenge_certificate
from tests.proxy.tls.handshakes import server_context

CHALLENGE = ("acme-tls/1",)


@pytest.fixture
def ports(short_path: Path, store: Store) -> Iterator[dict[str, int]]:
    """The ports of `ours` and `theirs`: both have a TCP router for all names, whose server ends TLS."""
    found = {name: free_port() for name in ("ours", "theirs")}
    flags = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in found.items()]
    flags += [
        f"--store.secret={SECRET}",
        "--certificatesResolvers.le.acme.tlsChallenge=true",
        "--entryPoints.theirs.allowACMEByPass=true",
    ]
    context = server_context(write_certificate(short_path / "server.pem", "DNS:server"))
    context.set_alpn_protocols(list(CHALLENGE))
    with (
        TcpServer(announce(b"s"), context) as server,
        running_proxy(short_path, store, *flags) as proxy,
        connect_to_store(store.url) as stored,
    ):
        text = challenge_certificate("a.test", "the authorization")
        stored.set(Keys().acme_challenge("tls-alpn-01 a.test"), Sealer(SECRET.encode()).seal(text))
        for name in found:
            route(proxy, name, ANYTHING, server.port, tls=True, passthrough=True)
        yield found


@pytest.mark.parametrize(
    ("entry_point", "alpn", "answers"),
    [("ours", CHALLENGE, b"a.test"), ("ours", (), b"server"), ("theirs", CHALLENGE, b"server")],
)
def test_a_challenge_of_our_own_comes_before_routers(
    entry_point: str, alpn: tuple[str, ...], answers: bytes, ports: dict[str, int]
) -> None:
    with connect_tls(ports[entry_point], "a.test", alpn=alpn) as client:
        found = client.getpeercert(binary_form=True)
        assert found is not None
        assert answers in found
        assert client.selected_alpn_protocol() == (alpn[0] if alpn else None)


def test_without_a_challenge_the_certificate_authority_is_refused(ports: dict[str, int]) -> None:
    with pytest.raises(ssl.SSLError):
        connect_tls(ports["ours"], "other.test", alpn=CHALLENGE)
