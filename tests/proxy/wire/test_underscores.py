"""Header names with underscores, which WSGI and CGI servers cannot distinguish from hyphens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.origin import Start, http_response
from tests.lab.ports import free_port
from tests.proxy.running import Proxy, watched
from tests.proxy.wire.client import Client
from tests.proxy.wire.conftest import started

HELLO = http_response(b"hello")
ACTIONS = ["allow", "reject", "drop"]
PORTS: dict[str, int] = {}


@pytest.fixture(scope="module")
def proxies(directory: Path) -> Iterator[Proxy]:
    """Entry points for each setting, the same for trusted proxies, and one with the default."""
    flags = []
    for action in ACTIONS:
        for name, more in ((action, []), (f"trusting{action}", ["forwardedHeaders.insecure=true"])):
            PORTS[name] = free_port()
            lines = [f"address=127.0.0.1:{PORTS[name]}", f"headersWithUnderscores={action}", *more]
            flags += [f"--entryPoints.{name}.{line}" for line in lines]
    yield from started(directory, "underscores", *flags)


@pytest.fixture
def proxy(proxies: Proxy) -> Iterator[Proxy]:
    PORTS[""] = proxies.web
    yield from watched(proxies)


def sent(host: str, *lines: str, trailer: str = "") -> bytes:
    body = f"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{trailer}\r\n"
    return "\r\n".join(["POST /a_b HTTP/1.1", f"Host: {host}", *lines, body]).encode()


@pytest.mark.parametrize("name", ["", "allow", "trustingallow"])
def test_names_with_underscores_pass_by_default(proxy: Proxy, origin: Start, name: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS[name]) as client:
        client.send(sent(host, "X_Auth_User: root", trailer="X_Sum: 1\r\n"))
        assert client.answer().status == 200
    assert seen.requests[0].all("X_Auth_User") == ["root"]
    assert seen.requests[0].body.endswith(b"0\r\nX_Sum: 1\r\n\r\n")


@pytest.mark.parametrize("name", ["drop", "trustingdrop"])
def test_names_with_underscores_are_dropped(proxy: Proxy, origin: Start, name: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    with Client(PORTS[name]) as client:
        # The second time, the worker does not parse the lines again.
        for _ in range(2):
            client.send(
                sent(host, "X_Auth_User: root", "A: b_c", "_:", trailer="X_Sum: 1\r\nX-Sum: 2\r\nY_: 3\r\n")
            )
            assert client.answer().status == 200
    for request in seen.requests:
        names = [name for name, _ in request.headers]
        assert not [name for name in names if "_" in name]
        assert request.all("A") == ["b_c"]
        assert request.body == b"2\r\nhi\r\n0\r\nX-Sum: 2\r\n\r\n"
    assert len(seen.requests) == 2


@pytest.mark.parametrize("name", ["reject", "trustingreject"])
def test_names_with_underscores_are_refused(proxy: Proxy, origin: Start, name: str) -> None:
    seen = origin(HELLO)
    host = proxy.route(seen)
    for head in (sent(host, "X_Auth_User: root"), sent(host, "Cookie: a_b", "x-auth_user: root", "B: c")):
        with Client(PORTS[name]) as client:
            client.send(head)
            response = client.answer()
            assert (response.status, response.header("Connection")) == (400, "close")
            assert b"underscores" in response.body
            assert client.ended()
    assert seen.connections == 0
    with Client(PORTS[name]) as client:
        client.send(sent(host, "Cookie: a_b=c_d", trailer="X-Sum: a_b\r\n"))
        assert client.answer().status == 200
        client.send(sent(host, "Cookie: a_b=c_d", trailer="X-Sum: 1\r\nX_Sum: 1\r\n"))
        response = client.answer()
        assert (response.status, response.header("Connection")) == (400, "close")
        assert client.ended()
    assert len(seen.requests) == 1
