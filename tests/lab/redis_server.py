"""Runs Debian's Redis on loopback TCP ports: a single server, with sentinels, or as a cluster."""

import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.retry import Retry

from tests.lab.errors import LabError
from tests.lab.ports import free_port
from tests.lab.processes import Process
from tests.lab.server import Server
from tests.lab.waiting import until

ADDRESS = "127.0.0.1"
SLOTS = 16_384
DOWN_AFTER = 2000
"""Milliseconds without a reply after which a master is down; on a busy machine some hundred are normal."""


class RedisServer(Server):
    """A server or a sentinel; it stores nothing on disk.

    With a `certificate` (self-signed, with its key), it accepts only TLS, and only clients with the same
    certificate. With a `password`, clients need it.
    """

    name = "the server"

    def __init__(
        self,
        directory: Path,
        *options: str,
        sentinel: str = "",
        certificate: Path | None = None,
        password: str = "",
    ) -> None:
        """Prepare the server; `start` starts it. `sentinel` is the content of a sentinel's file."""
        super().__init__()
        self.port = free_port()
        self._working_directory = directory / f"redis-{self.port}"
        self._sentinel = sentinel
        self._options = options
        self._certificate = certificate
        self._password = password

    def start(self) -> None:
        """Start the server and wait until it accepts."""
        self._working_directory.mkdir(exist_ok=True)
        arguments = [_program(), *self._base_options(), *self._port_options(), "--bind", ADDRESS]
        arguments += ["--dir", str(self._working_directory), *self._options]
        if self._password:
            arguments += ["--requirepass", self._password]
        self._process = Process(arguments, name="sentinel" if self._sentinel else "redis")
        self._process.wait_for_port(self.port)

    def client(self) -> redis.Redis:
        """Return a client of this server, with a timeout of ten seconds and without retries."""
        options: dict[str, Any] = {"password": self._password or None}
        if self._certificate is not None:
            file = str(self._certificate)
            options |= {"ssl": True, "ssl_ca_certs": file, "ssl_certfile": file}
        no_retry = Retry(NoBackoff(), 0)
        return redis.Redis(ADDRESS, self.port, socket_timeout=10.0, retry=no_retry, **options)

    def execute(self, *command: str | int) -> Any:
        """Return the reply to one command. Raises redis.RedisError."""
        with self.client() as client:
            return client.execute_command(*command)

    def _base_options(self) -> list[str]:
        if not self._sentinel:
            options = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]
            return [*options, "--masterauth", self._password] if self._password else options
        # A sentinel writes its state to its configuration file.
        file = self._working_directory / "sentinel.conf"
        file.write_text(self._sentinel)
        return [str(file), "--sentinel"]

    def _port_options(self) -> list[str]:
        if self._certificate is None:
            return ["--port", str(self.port)]
        file = str(self._certificate)
        files = ("--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", file)
        return ["--port", "0", "--tls-port", str(self.port), *files, "--tls-replication", "yes"]


class _Group:
    """Servers that start and end together."""

    def __init__(self, directory: Path, *, certificate: Path | None = None, password: str = "") -> None:
        self._directory = directory
        self._certificate = certificate
        self._password = password
        self._stack = ExitStack()
        self.servers: tuple[RedisServer, ...] = ()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        raise NotImplementedError

    def _start_server(self, *options: str, sentinel: str = "") -> RedisServer:
        server = RedisServer(
            self._directory,
            *options,
            sentinel=sentinel,
            certificate=self._certificate,
            password=self._password,
        )
        self._stack.callback(server.kill)
        server.start()
        return server

    def _url(self, kind: str, servers: tuple[RedisServer, ...], path: str, **options: str) -> str:
        hosts = ",".join(f"{ADDRESS}:{server.port}" for server in servers)
        user = f":{self._password}@" if self._password else ""
        scheme = "redis"
        if self._certificate is not None:
            scheme = "rediss"
            options |= {"ssl_ca_certs": str(self._certificate), "ssl_certfile": str(self._certificate)}
        query = "&".join(f"{name}={quote(value)}" for name, value in options.items())
        return f"{scheme}+{kind}://{user}{hosts}{path}?{query}".rstrip("?")


class Sentinels(_Group):
    """A master, a replica, and three sentinels that monitor them under the name `mymaster`."""

    NAME = "mymaster"

    def start(self) -> None:
        first = self._start_server()
        second = self._start_server("--replicaof", f"{ADDRESS} {first.port}")
        self.servers = (first, second)
        rules = [
            f"sentinel monitor {self.NAME} {ADDRESS} {first.port} 2",
            f"sentinel down-after-milliseconds {self.NAME} {DOWN_AFTER}",
            f"sentinel failover-timeout {self.NAME} 10000",
        ]
        if self._password:
            rules += [f"sentinel auth-pass {self.NAME} {self._password}"]
            rules += [f"sentinel sentinel-pass {self._password}"]
        text = "\n".join([*rules, ""])
        self.sentinels = tuple(self._start_server(sentinel=text) for _ in range(3))
        until(lambda: all(map(self._knows_all, self.sentinels)), "the sentinels to know all", timeout=60)

    @property
    def url(self) -> str:
        """The value for the setting `redis.url`."""
        options = {"sentinel_password": self._password} if self._password else {}
        return self._url("sentinel", self.sentinels, f"/{self.NAME}/0", **options)

    def master(self) -> RedisServer:
        """Return the server that all sentinels and the server itself call master."""
        return until(self._master, "a master", timeout=120)

    def _master(self) -> RedisServer | None:
        with suppress(redis.RedisError):
            ports = {self._master_port(sentinel) for sentinel in self.sentinels}
            for server in self.servers:
                if ports == {server.port} and server.execute("ROLE")[0] == b"master":
                    return server
        return None

    def _master_port(self, sentinel: RedisServer) -> int:
        _, port = sentinel.execute("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.NAME)
        return int(port)

    def _knows_all(self, sentinel: RedisServer) -> bool:
        with sentinel.client() as client:
            state = client.sentinel_master(self.NAME)
            replicas = client.sentinel_slaves(self.NAME)
        is_complete = not state["is_sdown"] and state["num-other-sentinels"] == 2
        return is_complete and [replica["master-link-status"] for replica in replicas] == ["ok"]


class Cluster(_Group):
    """Three masters, and one replica of the master with the keys that have `tag`."""

    def __init__(self, directory: Path, tag: str = "{rondpoint:default}", **options: Any) -> None:
        super().__init__(directory, **options)
        self._slot = key_slot(tag.encode())
        self._buses: dict[int, int] = {}

    def start(self) -> None:
        self.servers = tuple(self._node() for _ in range(4))
        first, *others = self.servers
        for other in others:
            first.execute("CLUSTER", "MEET", ADDRESS, other.port, self._buses[other.port])
        *masters, spare = self.servers
        share = SLOTS // len(masters) + 1
        for number, master in enumerate(masters):
            begin, end = number * share, min((number + 1) * share, SLOTS) - 1
            master.execute("CLUSTER", "ADDSLOTSRANGE", begin, end)
        holder = masters[self._slot // share].execute("CLUSTER", "MYID")
        until(lambda: holder in spare.execute("CLUSTER", "NODES"), "the spare node to know its master")
        spare.execute("CLUSTER", "REPLICATE", holder)
        until(lambda: all(map(_is_settled, self.servers)), "the cluster", timeout=60)
        with spare.client() as client:
            until(lambda: client.info("replication")["master_link_status"] == "up", "a synchronised replica")

    @property
    def url(self) -> str:
        """The value for the setting `redis.url`: some of the nodes."""
        return self._url("cluster", self.servers[:2], "")

    def master(self) -> RedisServer:
        """Return the master with the keys, once its own role says so."""
        return until(self._master, "a master", timeout=120)

    def _master(self) -> RedisServer | None:
        for node in self.servers:
            with suppress(redis.RedisError):
                if node.execute("ROLE")[0] == b"master" and self._holds_the_keys(node):
                    return node
        return None

    def _node(self) -> RedisServer:
        bus = free_port()
        node = self._start_server(
            *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
            *("--cluster-node-timeout", str(DOWN_AFTER), "--cluster-replica-validity-factor", "0"),
            *("--tls-cluster", "yes" if self._certificate is not None else "no"),
        )
        self._buses[node.port] = bus
        return node

    def _holds_the_keys(self, node: RedisServer) -> bool:
        ranges = node.execute("CLUSTER", "SLOTS")
        return node.port in {master[1] for first, last, master, *_ in ranges if first <= self._slot <= last}


def _is_settled(node: RedisServer) -> bool:
    state, nodes = node.execute("CLUSTER", "INFO"), node.execute("CLUSTER", "NODES")
    return b"cluster_state:ok" in state and nodes.count(b"slave ") == 1


def _program() -> str:
    if found := shutil.which("redis-server", path="/usr/local/bin:/usr/bin:/usr/sbin"):
        return found
    raise LabError("redis-server is missing: apt-get install redis-server")
