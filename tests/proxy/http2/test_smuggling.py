"""Whatever reaches a server of HTTP/1.1 is one clean request or none, whatever a client of HTTP/2 sends."""

from collections.abc import Iterator, Sequence

import pytest

from tests.lab.http2 import hpack
from tests.lab.http2.client import Client, head
from tests.lab.http2.frames import data, headers
from tests.lab.http2.hpack import Field
from tests.lab.origin import Origin
from tests.lab.waiting import until
from tests.proxy.http2.clean_server import CleanServer, decoded
from tests.proxy.http2.rows.smuggling import (
    ACCEPTED,
    BAD_TRAILERS,
    BASE,
    CONTENT,
    REFUSED,
    WRONG_LENGTHS,
)
from tests.proxy.running import Proxy


@pytest.fixture(scope="module")
def recording(lone: Proxy) -> Iterator[CleanServer]:
    server = CleanServer()
    with Origin(server) as origin:
        lone.route(origin, rule="PathPrefix(`/`)")
        yield server


@pytest.fixture
def server(recording: CleanServer) -> CleanServer:
    """The server behind the proxy, without what it has recorded for other tests."""
    recording.whole.clear()
    recording.unclean.clear()
    recording.cut = 0
    return recording


@pytest.fixture
def client(lone: Proxy) -> Iterator[Client]:
    with Client(lone.web) as client:
        client.start()
        yield client


def send(
    client: Client,
    fields: Sequence[Field],
    content: bytes = b"",
    trailers: Sequence[Field] = (),
    *,
    number: int = 1,
) -> None:
    """Send a request on this stream."""
    client.send(
        headers(number, hpack.block(fields), ended=not content and not trailers),
        *([data(number, content, ended=not trailers)] if content else []),
        *([headers(number, hpack.block(trailers))] if trailers else []),
    )


def is_refused(client: Client, number: int = 1) -> bool:
    """Return whether this stream gets no response but one that refuses the request."""
    stream = client.stream(number)
    client.wait(lambda: stream.over or client.goaway or stream.status)
    return client.goaway is not None or stream.reset is not None or stream.status in {400, 404, 501}


def targets(proxy: Proxy, server: CleanServer) -> list[str]:
    """Return the targets of all whole requests at the server, after one more on another connection."""
    with Client(proxy.web) as other:
        other.start()
        assert other.get(b"/well").status == 200
    assert server.unclean == []
    return [request.target for request in server.whole]


@pytest.mark.parametrize("name", REFUSED)
def test_no_server_hears_of_a_malformed_request(
    lone: Proxy, client: Client, server: CleanServer, name: str
) -> None:
    send(client, REFUSED[name])
    assert is_refused(client), client.told()
    send(client, REFUSED[name], CONTENT, number=3)
    assert is_refused(client, 3), client.told()
    assert targets(lone, server) == ["/well"]
    assert server.cut == 0


@pytest.mark.parametrize("name", WRONG_LENGTHS)
def test_content_of_a_wrong_length_is_no_whole_request(
    lone: Proxy, client: Client, server: CleanServer, name: str
) -> None:
    lengths = [(b"content-length", value) for value in WRONG_LENGTHS[name]]
    send(client, [*BASE, *lengths], CONTENT)
    assert is_refused(client), client.told()
    assert targets(lone, server) == ["/well"]


@pytest.mark.parametrize("name", BAD_TRAILERS)
def test_bad_trailers_make_no_whole_request(
    lone: Proxy, client: Client, server: CleanServer, name: str
) -> None:
    send(client, BASE, CONTENT, [(b"x-first", b"1"), BAD_TRAILERS[name]])
    assert is_refused(client), client.told()
    assert targets(lone, server) == ["/well"]


@pytest.mark.parametrize("name", ["too low", "zero", "too high"])
def test_content_of_a_wrong_length_that_comes_later_ends_the_servers_connection(
    lone: Proxy, client: Client, server: CleanServer, name: str
) -> None:
    lengths = [(b"content-length", value) for value in WRONG_LENGTHS[name]]
    client.send(headers(1, hpack.block([*BASE, *lengths]), ended=False))
    assert client.ping()
    client.send(data(1, CONTENT[:3]))
    assert client.ping()
    client.send(data(1, CONTENT[3:], ended=True))
    assert is_refused(client), client.told()
    if name != "zero":
        until(lambda: server.cut, "the end of the server's connection")
        assert targets(lone, server) == ["/well"]


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_odd_request_reaches_the_server_as_one_clean_request(
    lone: Proxy, client: Client, server: CleanServer, name: str
) -> None:
    case = ACCEPTED[name]
    send(client, case.fields, case.content, case.trailers)
    assert client.wait_for(1).status == 200, client.told()
    assert len(targets(lone, server)) == 2
    request = server.whole[0]
    assert request.head.split(b"\r\n")[0].decode() == case.line
    assert {name: request.all(name) for name in case.headers} == case.headers
    assert decoded(request) == (case.content, case.sent_trailers)


def test_a_cut_upload_does_not_end_at_the_server(lone: Proxy, client: Client, server: CleanServer) -> None:
    number = client.request(method=b"POST", path=b"/odd", content=None)
    assert client.wait_for(number).status == 200
    client.send(headers(3, head(b"/cut", b"POST"), ended=False), data(3, b"half"))
    assert client.ping()
    client.socket.close()
    until(lambda: server.cut, "the end of the server's connection")
    assert targets(lone, server) == ["/odd", "/well"]
