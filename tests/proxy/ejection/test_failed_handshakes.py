"""Servers that take connections, but fail the TLS handshake with the transport of one service."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from gevent.server import StreamServer
from gevent.ssl import PROTOCOL_TLS_SERVER, SSLContext

from proxy.upstream.connection import DialError
from rondpoint.model import Server, ServersTransport, Service
from tests.lab.certificate import write_certificate
from tests.lab.ports import free_port
from tests.proxy.ejection.test_ejections import Worker, until

LAX = ServersTransport("lax@file", insecure_skip_verify=True)
STRICT = ServersTransport("strict@file")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@contextmanager
def tls_server(port: int, certificate: Path) -> Iterator[None]:
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = StreamServer(("127.0.0.1", port), lambda sock, _address: sock.recv(1), ssl_context=context)
    server.start()
    with closing(server):
        yield


@pytest.fixture
def worker() -> Iterator["Services"]:
    made = Services()
    yield made
    for name in list(made.services.by_name):
        made.services.remove(name)
    until(lambda: not made.ejections.ejected, "the end of all ejections")


class Services(Worker):
    """Services with transports of their own for the same server, and another server that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()

    def put(self, name: str, transport: ServersTransport) -> None:
        servers = (Server("tls", "127.0.0.1", self.port, "https"), Server("other", "127.0.0.1", 1))
        self.services.put(Service(name, servers, transport=transport))
        self.services.get(name)

    def dial(self, name: str) -> DialError:
        served = self.services.get(name)
        assert served is not None
        target = next(target for target in served.targets if target.server.name == "tls")
        with pytest.raises(DialError) as raised:
            target.pool.dial()
        self.ejections.dial_failed(target, raised.value)
        return raised.value

    @property
    def without(self) -> set[str]:
        """The services for which the server is ejected."""
        return {
            target.service
            for name in self.services.by_name
            if (served := self.services.get(name)) is not None
            for target in served.targets
            if target.unavailable
        }


def test_a_certificate_that_one_transport_refuses_ejects_the_server_for_that_service_alone(
    worker: Services, certificate: Path
) -> None:
    worker.put("lax", LAX)
    worker.put("strict", STRICT)
    with tls_server(worker.port, certificate):
        error = worker.dial("strict")
        assert error.handshake_failed and not error.unreachable
        assert worker.without == {"strict"}
        assert worker.notified == [f"https://127.0.0.1:{worker.port} strict"]
        own = worker.ejections.own_ejection(worker.notified[0])
        assert own is not None
        first = own.pause
        until(lambda: own.pause > first, "a probe that fails")
        assert worker.without == {"strict"}
        worker.put("strict", LAX)
        until(lambda: not worker.without, "the end of the ejection with the transport")


def test_a_server_that_takes_connections_is_back_whatever_its_certificate_is(
    worker: Services, certificate: Path
) -> None:
    worker.put("lax", LAX)
    worker.put("strict", STRICT)
    assert worker.dial("strict").unreachable
    assert worker.without == {"lax", "strict"}
    with tls_server(worker.port, certificate):
        until(lambda: not worker.without, "the server to be back")


def test_a_server_is_back_once_a_handshake_succeeds(worker: Services, certificate: Path) -> None:
    worker.put("lax", LAX)
    with closing(StreamServer(("127.0.0.1", worker.port), lambda sock, _address: sock.close())) as plain:
        plain.start()
        assert worker.dial("lax").handshake_failed
        assert worker.without == {"lax"}
    with tls_server(worker.port, certificate):
        until(lambda: not worker.without, "the server to be back")
