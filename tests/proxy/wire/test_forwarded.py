"""The client's address: forwarded headers and PROXY protocol, from trusted and other peers."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.origin import Origin, Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy, watched
from tests.proxy.wire.client import Client
from tests.proxy.wire.conftest import started

HELLO = http_response(b"hello")
CLAIMS = [
    "X-Forwarded-For: 1.2.3.4",
    "X-Real-Ip: 1.2.3.4",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: b.test",
    "X-Forwarded-Prefix: /p",
]
PORTS: dict[str, int] = {}


@pytest.fixture(scope="module")
def proxies(directory: Path) -> Iterator[Proxy]:
    """A proxy with entry points that trust this peer, another, all peers, and this peer's PROXY header."""
    settings = {
        "us": "forwardedHeaders.trustedIPs=10.0.0.0/8,127.0.0.1",
        "others": "forwardedHeaders.trustedIPs=10.0.0.0/8",
        "all": "forwardedHeaders.insecure=true",
        "proxied": "proxyProtocol.trustedIPs=127.0.0.0/8",
        "both": "proxyProtocol.insecure=true",
        "unproxied": "proxyProtocol.trustedIPs=10.0.0.0/8",
    }
    PORTS.update({name: free_port() for name in settings})
    flags = [f"--entryPoints.{name}.{setting}" for name, setting in settings.items()]
    flags += [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in PORTS.items()]
    flags += ["--entryPoints.both.forwardedHeaders.trustedIPs=1.2.3.4"]
    flags += ["--entryPoints.proxied.transport.respondingTimeouts.readTimeout=1s"]
    yield from started(directory, "forwarded", *flags)


@pytest.fixture
def proxy(proxies: Proxy) -> Iterator[Proxy]:
    yield from watched(proxies)


def get(host: str, *lines: str) -> bytes:
    return "\r\n".join(["GET / HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


def seen_by(origin: Origin) -> dict[str, str]:
    """Return the lines about the client in the latest request."""
    headers = origin.requests[-1].headers
    about = [(name, value) for name, value in headers if name.lower().startswith(("x-forwarded", "x-real"))]
    assert len({name.lower() for name, _ in about}) == len(about), about
    return dict(about)


@pytest.mark.parametrize("entry_point", ["us", "all"])
def test_the_headers_of_a_trusted_peer_are_used(proxy: Proxy, origin: Start, entry_point: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS[entry_point]) as client:
        for lines in (CLAIMS, [], CLAIMS):
            client.send(get(host, *lines))
            assert client.answer().status == 200
            about = seen_by(seen)
            assert about.pop("X-Forwarded-Server") == socket.gethostname()
            assert about == {
                "X-Forwarded-For": "1.2.3.4, 127.0.0.1" if lines else "127.0.0.1",
                "X-Real-Ip": "1.2.3.4" if lines else "127.0.0.1",
                "X-Forwarded-Proto": "https" if lines else "http",
                "X-Forwarded-Port": "443" if lines else "80",
                "X-Forwarded-Host": "b.test" if lines else host,
            } | ({"X-Forwarded-Prefix": "/p"} if lines else {})


@pytest.mark.parametrize("entry_point", ["others", "proxied", "web"])
def test_the_headers_of_another_peer_are_replaced(proxy: Proxy, origin: Start, entry_point: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS.get(entry_point, proxy.web)) as client:
        client.send(get(host, *CLAIMS))
        assert client.answer().status == 200
    about = seen_by(seen)
    assert about.pop("X-Forwarded-Server") == socket.gethostname()
    assert about == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Real-Ip": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "80",
        "X-Forwarded-Host": host,
    }


def test_each_server_tried_gets_the_same_headers(proxy: Proxy, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(free_port(), seen)
    with Client(PORTS["us"]) as client:
        for _ in range(2):
            client.send(get(host, *CLAIMS))
            assert client.answer().status == 200
    for request in seen.requests:
        assert request.all("X-Forwarded-For") == ["1.2.3.4, 127.0.0.1"]


TEXT = b"PROXY TCP4 1.2.3.4 5.6.7.8 50000 80\r\n"
BINARY = (
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", 15) + b"\1\2\3\4\5\6\7\x08\xc3\x50\0\x50" + b"\4\0\0"
)
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
TOLD = {
    "version 1": (TEXT, "1.2.3.4"),
    "version 2": (BINARY, "1.2.3.4"),
    "unknown": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "local": (LOCAL, "127.0.0.1"),
    "nothing": (b"", "127.0.0.1"),
}


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("dripping", [False, True])
def test_the_client_in_the_proxy_header(proxy: Proxy, origin: Start, name: str, dripping: bool) -> None:
    header, address = TOLD[name]
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS["proxied"]) as client:
        data = header + get(host, *CLAIMS)
        for piece in [data[at : at + 1] for at in range(len(data))] if dripping else [data]:
            client.send(piece)
        assert client.answer().status == 200
        # The header comes once for a connection, not for each request.
        client.send(get(host))
        assert client.answer().status == 200
        client.send(TEXT + get(host))
        assert client.answer().status == 400
        assert client.ended()
    for request in seen.requests:
        assert request.all("X-Forwarded-For") == [address]
        assert request.all("X-Real-Ip") == [address]


def test_trust_applies_to_the_client_in_the_proxy_header(proxy: Proxy, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for header, expected in [(TEXT, "9.9.9.9, 1.2.3.4"), (TEXT.replace(b"1.2.3.4", b"1.2.3.5"), "1.2.3.5")]:
        with Client(PORTS["both"]) as client:
            client.send(header + get(host, "X-Forwarded-For: 9.9.9.9"))
            assert client.answer().status == 200
        assert seen.requests[-1].all("X-Forwarded-For") == [expected]


@pytest.mark.parametrize("header", [b"PROXY TCP4 1.2.3.4\r\n", BINARY[:12] + b"\x31" + BINARY[13:]])
def test_a_malformed_header_ends_the_connection(proxy: Proxy, origin: Start, header: bytes) -> None:
    seen = origin(HELLO)
    proxy.route(seen)
    with Client(PORTS["proxied"]) as client:
        client.send(header)
        assert client.ended()
    assert seen.requests == []


@pytest.mark.parametrize("entry_point", ["unproxied", "web"])
@pytest.mark.parametrize("header", [TEXT, BINARY])
def test_a_proxy_header_of_another_peer_is_refused(
    proxy: Proxy, origin: Start, entry_point: str, header: bytes
) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS.get(entry_point, proxy.web)) as client:
        client.send(header + get(host))
        assert client.answer().status == 400
        assert client.ended()
    assert seen.requests == []


@pytest.mark.parametrize("begun", [b"", TEXT[:9], BINARY[:20]])
def test_a_missing_proxy_header_ends_the_connection(proxy: Proxy, begun: bytes) -> None:
    with Client(PORTS["proxied"]) as client:
        client.send(begun)
        assert client.ended()
