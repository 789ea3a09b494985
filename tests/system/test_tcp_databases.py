"""Real databases behind TCP routers, with TLS at the proxy, at the server, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from rondpoint.model import ServersTransport
from rondpoint.tcp.model import TcpServer, TcpServersTransport
from tests.lab.certificate import write_certificate
from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.postgres import Postgres, psql
from tests.lab.store import Store
from tests.proxy.running import Proxy, lone_proxy
from tests.proxy.tcp.routing import ANYTHING, connect_tls, exactly, route, sni

SESSION = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
"""Whether the server itself speaks TLS with its client."""


@pytest.fixture(scope="module")
def certificate() -> Iterator[Path]:
    with TemporaryDirectory(prefix="rp-") as directory:
        yield write_certificate(Path(directory) / "own.pem", "DNS:db.test", "DNS:localhost")


@pytest.fixture(scope="module")
def databases(certificate: Path) -> Iterator[tuple[Postgres, Postgres]]:
    """A server without TLS, and one with it."""
    with ExitStack() as stack:
        found = []
        for own in (None, certificate):
            directory = Path(stack.enter_context(TemporaryDirectory(prefix="rp-")))
            directory.chmod(0o755)
            found.append(stack.enter_context(Postgres(directory / "data", own)))
        yield found[0], found[1]


class Scene:
    def __init__(self, proxy: Proxy, plain: int, secure: int) -> None:
        self.proxy = proxy
        self.plain = plain
        self.secure = secure


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    plain, secure = free_port(), free_port()
    with lone_proxy(
        f"--entryPoints.plain.address=127.0.0.1:{plain}",
        # These are for HTTP: sessions of databases may be idle for long.
        "--entryPoints.plain.transport.respondingTimeouts.readTimeout=1s",
        "--entryPoints.plain.transport.respondingTimeouts.idleTimeout=1s",
        f"--entryPoints.secure.address=127.0.0.1:{secure}",
    ) as proxy:
        yield Scene(proxy, plain, secure)
        assert "Traceback" not in proxy.process.log, proxy.process.log


@pytest.fixture(autouse=True)
def clean(scene: Scene) -> Iterator[None]:
    yield
    scene.proxy.withdraw()


def test_postgresql_without_tls(scene: Scene, databases: tuple[Postgres, Postgres]) -> None:
    route(scene.proxy, "plain", ANYTHING, databases[0].port)
    assert psql(scene.plain, SESSION) == "f"
    # The server says itself that it has no TLS.
    assert psql(scene.plain, SESSION, mode="prefer") == "f"
    assert psql(scene.plain, "select count(*) from generate_series(1, 500000)") == "500000"


def test_postgresql_over_tls_that_the_proxy_ends(scene: Scene, databases: tuple[Postgres, Postgres]) -> None:
    route(scene.proxy, "secure", sni("db.test"), databases[0].port, tls=True)
    assert psql(scene.secure, SESSION, host="db.test", mode="require") == "f"
    query = "select repeat('x', 1000) from generate_series(1, 20000)"
    assert len(psql(scene.secure, query, host="db.test", mode="require")) == 20_000 * 1001 - 1
    with pytest.raises(LabError):
        psql(scene.secure, SESSION, host="other.test", mode="require")


def test_postgresql_over_tls_that_the_server_ends(scene: Scene, databases: tuple[Postgres, Postgres]) -> None:
    route(scene.proxy, "secure", sni("db.test"), databases[1].port, tls=True, passthrough=True)
    assert psql(scene.secure, SESSION, host="db.test", mode="require") == "t"
    # A server that does not speak TLS gets no client that wants it.
    route(scene.proxy, "secure", sni("plain.test"), databases[0].port, tls=True, passthrough=True)
    with pytest.raises(LabError):
        psql(scene.secure, SESSION, host="plain.test", mode="require")


def test_postgresql_without_routers_over_tls_speaks_for_itself(
    scene: Scene, databases: tuple[Postgres, Postgres]
) -> None:
    route(scene.proxy, "plain", ANYTHING, databases[1].port)
    assert psql(scene.plain, SESSION, mode="require") == "t"
    assert psql(scene.plain, SESSION) == "f"


def test_an_idle_session_stays(scene: Scene, databases: tuple[Postgres, Postgres]) -> None:
    route(scene.proxy, "plain", ANYTHING, databases[0].port)
    # Longer than the time-outs of the entry point, and the interval at which deadlines are checked.
    assert psql(scene.plain, "select pg_sleep(3)") == ""


def test_redis_over_tls(scene: Scene, certificate: Path) -> None:
    with TemporaryDirectory(prefix="rp-") as directory, Store(Path(directory), "redis", certificate) as store:
        port = int(store.url.partition("127.0.0.1:")[2].partition("?")[0])
        trust = TcpServersTransport(
            "t@x", tls=ServersTransport("t@x", root_cas=(str(certificate),), server_name="db.test")
        )
        over_tls = {"servers": (TcpServer("s", "127.0.0.1", port, tls=True),), "transport": trust}
        route(scene.proxy, "plain", ANYTHING, service_options=over_tls)
        route(scene.proxy, "secure", sni("db.test"), port, tls=True, passthrough=True)
        route(scene.proxy, "secure", sni("*.db.test"), tls=True, service_options=over_tls)
        # The client speaks no TLS, its own, or the proxy's.
        with redis.Redis(port=scene.plain) as redis_client:
            redis_client.set("a", "x" * 1_000_000)
        for name in ("db.test", "x.db.test"):
            with connect_tls(scene.secure, name) as client:
                client.sendall(b"GET a\r\n")
                assert exactly(client, 1_000_012) == b"$1000000\r\n" + b"x" * 1_000_000 + b"\r\n", name
