"""A running proxy with entry points for TCP routers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.lab.ports import free_port
from tests.lab.tcp_server import Handler, TcpServer
from tests.proxy.running import Proxy, lone_proxy, watched


class TcpProxy:
    """The proxy, and the ports of its entry points `tcp`, `both` and `framed` (which reads PROXY headers)."""

    def __init__(self, proxy: Proxy, ports: dict[str, int]) -> None:
        self.proxy = proxy
        self.ports = ports


@pytest.fixture(scope="package")
def tcp_proxy() -> Iterator[TcpProxy]:
    ports = {name: free_port() for name in ("tcp", "both", "framed")}
    flags = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in ports.items()]
    flags.append("--entryPoints.framed.proxyProtocol.trustedIPs=127.0.0.1")
    flags.append("--entryPoints.web.asDefault=true")
    with lone_proxy(*flags) as proxy:
        for port in ports.values():
            proxy.process.wait_for_port(port)
        yield TcpProxy(proxy, ports)


@pytest.fixture
def proxy(tcp_proxy: TcpProxy) -> Iterator[Proxy]:
    """The proxy with an empty configuration."""
    yield from watched(tcp_proxy.proxy)


@pytest.fixture
def ports(tcp_proxy: TcpProxy) -> dict[str, int]:
    """The ports of the entry points."""
    return tcp_proxy.ports


@pytest.fixture
def server() -> Iterator[Callable[[Handler], TcpServer]]:
    """Starts TCP servers with a handler."""
    with ExitStack() as stack:
        yield lambda handler, *options: stack.enter_context(TcpServer(handler, *options))
