"""Runs Debian's ZooKeeper on free loopback ports; a test can kill, freeze and restart it."""

import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from kazoo.client import KazooClient

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server
from tests.lab.waiting import until

ADDRESS = "127.0.0.1"
PROGRAMS = Path("/usr/share/zookeeper/bin")
"""The directory of `zkServer.sh` and `zkCli.sh`."""

_JARS = [
    Path("/usr/share/java") / name
    # Debian's package names only some parts of Netty, which serves TLS.
    for name in ("zookeeper.jar", "netty-codec.jar", "netty-resolver.jar", "slf4j-simple.jar")
]
_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_AT_ONCE = 500


class ZooKeeper(Server):
    """A server alone, which forgets everything when it is killed, unless it keeps its data.

    With a `certificate` (self-signed, with its key), it also listens with TLS, for clients with the same
    certificate.
    """

    name = "the ZooKeeper server"

    def __init__(self, directory: Path, *, keep: bool = False, certificate: Path | None = None) -> None:
        """Prepare the server; `start` starts it."""
        super().__init__()
        self.port = free_port()
        self.secure_port = free_port() if certificate is not None else 0
        self._directory = directory / f"zookeeper-{self.port}"
        self._keep = keep
        self._certificate = certificate

    @property
    def address(self) -> str:
        """The `host:port` for clients without TLS."""
        return f"{ADDRESS}:{self.port}"

    @property
    def secure_address(self) -> str:
        """The `host:port` for clients with TLS."""
        return f"{ADDRESS}:{self.secure_port}"

    def start(self) -> None:
        """Start the server and wait until it opens sessions."""
        if missing := [str(jar) for jar in _JARS if not jar.exists()]:
            raise LabError(f"{', '.join(missing)} missing: .ci/parts test installs ZooKeeper")
        if not self._keep:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True, exist_ok=True)
        file = self._directory / "zoo.cfg"
        file.write_text("".join(f"{key}={value}\n" for key, value in self._settings().items()))
        # A small heap and a simple compiler start a JVM in half the time.
        options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
        options += ["-Dzookeeper.forceSync=no", "-Dzookeeper.admin.enableServer=false"]
        options += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        if self._certificate is not None:
            options += ["-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory"]
        classes = ":".join(map(str, _JARS))
        self._process = Process(["java", *options, "-cp", classes, _MAIN, file], name="zookeeper")
        for port in filter(None, (self.port, self.secure_port)):
            self._process.wait_for_port(port)
        until(self._is_serving, "a ZooKeeper that serves")

    @contextmanager
    def client(self) -> Iterator[KazooClient]:
        """Give a client of another project, which shares no code with Rondpoint's own."""
        client = KazooClient(self.address)
        client.start()
        try:
            yield client
        finally:
            client.stop()
            client.close()

    def put(self, keys: Mapping[str, str]) -> None:
        """Write keys (`traefik/http/…`), with the znodes above them."""
        with self.client() as client:
            put(client, keys)

    def load(self, keys: Mapping[str, str]) -> None:
        """Write many keys that do not exist yet, nor anything above them, in few transactions."""
        values = {f"/{key}": value.encode() for key, value in keys.items()}
        paths = iter(dict.fromkeys(path for key in values for path in (*_above(key), key)))
        with self.client() as client:
            while some := list(islice(paths, _AT_ONCE)):
                step = client.transaction()
                for path in some:
                    step.create(path, values.get(path, b""))
                if faults := [each for each in step.commit() if isinstance(each, Exception)]:
                    raise LabError(f"the transaction failed: {faults[0]!r}")

    def _is_serving(self) -> bool:
        """Ask the server. It accepts a moment before it serves, and may forget such an early connection."""
        with suppress(OSError), socket.create_connection((ADDRESS, self.port), timeout=0.3) as connection:
            connection.sendall(b"srvr")
            return connection.recv(100).startswith(b"Zookeeper version")
        return False

    def _settings(self) -> Mapping[str, object]:
        settings: dict[str, object] = {
            "tickTime": 500,
            "dataDir": self._directory,
            "clientPort": self.port,
            "clientPortAddress": ADDRESS,
            "maxClientCnxns": 0,
        }
        if self._certificate is not None:
            settings |= {
                "secureClientPort": self.secure_port,
                "secureClientPortAddress": ADDRESS,
                "ssl.keyStore.location": self._certificate,
                "ssl.trustStore.location": self._certificate,
            }
        return settings


def put(client: KazooClient, keys: Mapping[str, str]) -> None:
    """Write keys with the znodes above them."""
    for key, value in keys.items():
        client.ensure_path(f"/{key}")
        client.set(f"/{key}", value.encode())


def _above(path: str) -> Iterable[str]:
    names = path.split("/")[1:-1]
    return ("/" + "/".join(names[: end + 1]) for end in range(len(names)))
