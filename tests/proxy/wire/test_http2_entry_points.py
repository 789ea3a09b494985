"""Options of entry points, observation and TLS, for clients of HTTP/2."""

import ssl
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.lab.http2 import frames
from tests.lab.http2.client import Client, head
from tests.lab.origin import Start, http_response
from tests.lab.ports import free_port
from tests.lab.waiting import until
from tests.proxy.log_lines import json_lines
from tests.proxy.running import Proxy, watched
from tests.proxy.scraping import wait_for_scrape
from tests.proxy.tls.handshakes import client_context
from tests.proxy.wire.client import Client as PlainClient
from tests.proxy.wire.conftest import started

HELLO = http_response(b"hello")
CANCEL = 8
PORTS = {name: free_port() for name in ("limited", "trusting", "secure")}


@pytest.fixture(scope="module")
def log(directory: Path) -> Path:
    return directory / "http2.json"


@pytest.fixture(scope="module")
def observing(directory: Path, log: Path) -> Iterator[Proxy]:
    yield from started(
        directory,
        "http2",
        "--accessLog.format=json",
        f"--accessLog.filePath={log}",
        "--accessLog.fields.headers.names.Server=keep",
        "--entryPoints.web.requestId",
        *(f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in PORTS.items()),
        "--entryPoints.limited.transport.keepAliveMaxRequests=2",
        "--entryPoints.limited.transport.respondingTimeouts.writeTimeout=1s",
        "--entryPoints.limited.http2.maxConcurrentStreams=3",
        "--entryPoints.limited.http2.maxDecoderHeaderTableSize=8192",
        "--entryPoints.limited.http2.maxEncoderHeaderTableSize=0",
        "--entryPoints.trusting.forwardedHeaders.trustedIPs=127.0.0.1",
        "--entryPoints.secure.http.tls",
        "--metrics.prometheus",
    )


@pytest.fixture
def proxy(observing: Proxy) -> Iterator[Proxy]:
    yield from watched(observing)


def ask(client: Client, host: str, path: bytes = b"/", *fields: tuple[bytes, bytes]) -> int:
    return client.request(path, authority=host.encode(), fields=fields)


def connected(port: int, *offered: str) -> Client:
    """Return a client over TLS that offers these protocols."""
    context = client_context(ssl.TLSVersion.TLSv1_3)
    if offered:
        context.set_alpn_protocols(offered)
    return Client(port, tls=context)


def test_requests_are_logged_with_ids_of_their_own(proxy: Proxy, log: Path, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(proxy.web) as client:
        client.start()
        for number in [ask(client, host, b"/logged-%d" % number) for number in range(3)]:
            assert client.wait_for(number).status == 200

    def lines() -> list[dict[str, object]]:
        return [line for line in json_lines(log) if str(line["RequestPath"]).startswith("/logged-")]

    until(lambda: len(lines()) == 3, "three lines")
    assert {line["RequestProtocol"] for line in lines()} == {"HTTP/2.0"}
    ids = {str(line["RequestId"]) for line in lines()}
    assert len(ids) == 3
    assert ids == {sent.all("X-Request-Id")[0] for sent in seen.requests}


def test_malformed_requests_are_counted_and_logged(proxy: Proxy, log: Path) -> None:
    with Client(proxy.web) as client:
        client.start()
        large = client.next_stream()
        client.send(frames.headers(large, head(fields=[(b"x-%d" % number, b"") for number in range(101)])))
        assert client.wait_for(large).status == 431
        wrong = client.next_stream()
        client.send(frames.headers(wrong, head(fields=[(b"Upper", b"a")])))
        assert client.wait_for(wrong).reset == 1

    def statuses() -> list[object]:
        return [line["DownstreamStatus"] for line in json_lines(log) if line["RequestMethod"] == "-"]

    until(lambda: sorted(map(str, statuses())) == ["400", "431"], "two lines")
    wait_for_scrape(
        proxy.admin,
        lambda scrape: all(
            scrape.sum("traefik_entrypoint_requests_total", code=code, method="EXTENSION_METHOD") == 1
            for code in ("400", "431")
        ),
        "both counts",
    )


def test_an_entry_point_bounds_streams_and_tables(proxy: Proxy) -> None:
    del proxy
    with Client(PORTS["limited"], table=0) as client:
        client.start()
        assert client.settings[frames.MAX_CONCURRENT_STREAMS] == 3
        assert client.settings[frames.HEADER_TABLE_SIZE] == 8192


def test_the_last_request_of_a_connection_ends_it(proxy: Proxy, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS["limited"], table=0) as client:
        client.start()
        numbers = [ask(client, host) for _ in range(3)]
        assert client.wait_for_end()
        assert [client.stream(number).status for number in numbers] == [200, 200, 0]
        assert client.goaway is not None
        assert client.goaway.payload == b"\0\0\0\3" + bytes(4)
    assert len(seen.requests) == 2


def test_a_client_that_takes_no_content_loses_its_stream_alone(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(http_response(b"x" * 300_000)))
    other = proxy.route(origin(HELLO))
    with Client(PORTS["limited"], grants=False, table=0) as client:
        client.start()
        assert client.wait_for(ask(client, host)).reset == CANCEL
        assert client.wait_for(ask(client, other)).status == 200


def test_a_trusted_proxy_names_its_client(proxy: Proxy, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    claimed = (b"x-forwarded-for", b"192.0.2.7")
    for port, addresses in ((PORTS["trusting"], "192.0.2.7, 127.0.0.1"), (proxy.web, "127.0.0.1")):
        with Client(port) as client:
            client.start()
            assert client.wait_for(ask(client, host, b"/", claimed)).status == 200
        assert seen.requests[-1].all("X-Forwarded-For") == [addresses]


def test_http_2_is_preferred_over_tls(proxy: Proxy, origin: Start) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen, tls=True)
    with connected(PORTS["secure"], "http/1.1", "h2") as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == "h2"
        client.start()
        assert client.wait_for(ask(client, host)).status == 200
    assert seen.requests[0].all("X-Forwarded-Proto") == ["https"]
    with connected(PORTS["secure"], "http/1.1") as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == "http/1.1"


def test_over_tls_only_alpn_leads_to_http_2(proxy: Proxy) -> None:
    del proxy
    with connected(PORTS["secure"]) as client:
        client.send(frames.PREFACE, frames.settings())
        assert client.socket.recv(100).startswith(b"HTTP/1.1 505 ")


def test_one_port_takes_both_protocols_with_and_without_tls(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(HELLO), tls=True)
    plain = proxy.route(origin(HELLO))
    with connected(proxy.web, "h2") as client:
        client.start()
        assert [client.wait_for(ask(client, each)).status for each in (host, plain)] == [200, 404]
    with Client(proxy.web) as client:
        client.start()
        assert [client.wait_for(ask(client, each)).status for each in (host, plain)] == [404, 200]


@pytest.mark.parametrize("cuts", [range(1, 24), [18], [14]], ids=["bytes", "head", "line"])
def test_the_preface_may_come_in_pieces(proxy: Proxy, origin: Start, cuts: list[int]) -> None:
    host = proxy.route(origin(HELLO))
    with Client(proxy.web) as client:
        places = [0, *cuts, len(frames.PREFACE)]
        for start, end in pairwise(places):
            client.send(frames.PREFACE[start:end])
        client.send(frames.settings())
        assert client.wait_for(ask(client, host)).status == 200


def test_the_preface_is_no_second_request(proxy: Proxy, origin: Start) -> None:
    host = proxy.route(origin(HELLO))
    with PlainClient(proxy.web) as client:
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() + frames.PREFACE)
        assert [client.answer().status, client.answer().status] == [200, 505]
