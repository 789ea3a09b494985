"""Debian's Redis on TCP ports of the loopback address: alone, watched by sentinels, or as a cluster."""

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
"""Milliseconds of silence after which a master counts as gone; a busy machine is silent for some hundreds."""


class RedisServer(Server):
    """One server, or one sentinel; it keeps nothing on disk.

    With a `certificate`, key included and signed by itself, it speaks TLS alone, and with none but those who
    show it, too; with a `password`, it demands that.
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
        """Does not start it. `sentinel` is what a sentinel's file says."""
        super().__init__()
        self.port = free_port()
        self._place = directory / f"redis-{self.port}"
        self._sentinel = sentinel
        self._options = options
        self._certificate = certificate
        self._password = password

    def start(self) -> None:
        """Returns once it accepts."""
        self._place.mkdir(exist_ok=True)
        arguments = [_program(), *self._own(), *self._listening(), "--bind", ADDRESS]
        arguments += ["--dir", str(self._place), *self._options]
        if self._password:
            arguments += ["--requirepass", self._password]
        self._process = Process(arguments, name="sentinel" if self._sentinel else "redis")
        self._process.wait_for_port(self.port)

    def client(self) -> redis.Redis:
        """A client of this very server, which gives up after ten seconds."""
        options: dict[str, Any] = {"password": self._password or None}
        if self._certificate is not None:
            file = str(self._certificate)
            options |= {"ssl": True, "ssl_ca_certs": file, "ssl_certfile": file}
        never = Retry(NoBackoff(), 0)
        return redis.Redis(ADDRESS, self.port, socket_timeout=10.0, retry=never, **options)

    def does(self, *command: str | int) -> Any:
        """The answer to one command. Raises redis.RedisError."""
        with self.client() as client:
            return client.execute_command(*command)

    def _own(self) -> list[str]:
        if not self._sentinel:
            own = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]
            return [*own, "--masterauth", self._password] if self._password else own
        # It writes what it learns into its file.
        file = self._place / "sentinel.conf"
        file.write_text(self._sentinel)
        return [str(file), "--sentinel"]

    def _listening(self) -> list[str]:
        if self._certificate is None:
            return ["--port", str(self.port)]
        file = str(self._certificate)
        files = ("--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", file)
        return ["--port", "0", "--tls-port", str(self.port), *files, "--tls-replication", "yes"]


class _Group:
    """Servers that are started together, and end together."""

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

    def _started(self, *options: str, sentinel: str = "") -> RedisServer:
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
    """A master, a replica, and three sentinels that watch them under the name `mymaster`."""

    NAME = "mymaster"

    def start(self) -> None:
        first = self._started()
        second = self._started("--replicaof", f"{ADDRESS} {first.port}")
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
        self.sentinels = tuple(self._started(sentinel=text) for _ in range(3))
        until(lambda: all(map(self._knows_all, self.sentinels)), "the sentinels to know all", timeout=60)

    @property
    def url(self) -> str:
        """What `redis.url` takes."""
        options = {"sentinel_password": self._password} if self._password else {}
        return self._url("sentinel", self.sentinels, f"/{self.NAME}/0", **options)

    def master(self) -> RedisServer:
        """The server that all sentinels call master, once it says so itself."""
        return until(self._master, "a master", timeout=120)

    def _master(self) -> RedisServer | None:
        with suppress(redis.RedisError):
            named = {self._named_by(sentinel) for sentinel in self.sentinels}
            for server in self.servers:
                if named == {server.port} and server.does("ROLE")[0] == b"master":
                    return server
        return None

    def _named_by(self, sentinel: RedisServer) -> int:
        _, port = sentinel.does("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.NAME)
        return int(port)

    def _knows_all(self, sentinel: RedisServer) -> bool:
        with sentinel.client() as client:
            state = client.sentinel_master(self.NAME)
            replicas = client.sentinel_slaves(self.NAME)
        reached = not state["is_sdown"] and state["num-other-sentinels"] == 2
        return reached and [replica["master-link-status"] for replica in replicas] == ["ok"]


class Cluster(_Group):
    """Three masters, and one replica of the master that holds the keys with `tag`."""

    def __init__(self, directory: Path, tag: str = "{rondpoint:default}", **options: Any) -> None:
        super().__init__(directory, **options)
        self._slot = key_slot(tag.encode())
        self._buses: dict[int, int] = {}

    def start(self) -> None:
        self.servers = tuple(self._node() for _ in range(4))
        first, *others = self.servers
        for other in others:
            first.does("CLUSTER", "MEET", ADDRESS, other.port, self._buses[other.port])
        *masters, spare = self.servers
        share = SLOTS // len(masters) + 1
        for number, master in enumerate(masters):
            begin, end = number * share, min((number + 1) * share, SLOTS) - 1
            master.does("CLUSTER", "ADDSLOTSRANGE", begin, end)
        holder = masters[self._slot // share].does("CLUSTER", "MYID")
        until(lambda: holder in spare.does("CLUSTER", "NODES"), "the spare node to know its master")
        spare.does("CLUSTER", "REPLICATE", holder)
        until(lambda: all(map(_is_settled, self.servers)), "the cluster", timeout=60)
        with spare.client() as client:
            until(lambda: client.info("replication")["master_link_status"] == "up", "the replica in step")

    @property
    def url(self) -> str:
        """What `redis.url` takes: some of the nodes."""
        return self._url("cluster", self.servers[:2], "")

    def master(self) -> RedisServer:
        """The node that holds the keys, once it says so itself."""
        return until(self._master, "a master", timeout=120)

    def _master(self) -> RedisServer | None:
        for node in self.servers:
            with suppress(redis.RedisError):
                if node.does("ROLE")[0] == b"master" and self._holds_the_keys(node):
                    return node
        return None

    def _node(self) -> RedisServer:
        bus = free_port()
        node = self._started(
            *("--cluster-enabled", "yes", "--cluster-port", str(bus)),
            *("--cluster-node-timeout", str(DOWN_AFTER), "--cluster-replica-validity-factor", "0"),
            *("--tls-cluster", "yes" if self._certificate is not None else "no"),
        )
        self._buses[node.port] = bus
        return node

    def _holds_the_keys(self, node: RedisServer) -> bool:
        ranges = node.does("CLUSTER", "SLOTS")
        return node.port in {master[1] for first, last, master, *_ in ranges if first <= self._slot <= last}


def _is_settled(node: RedisServer) -> bool:
    state, nodes = node.does("CLUSTER", "INFO"), node.does("CLUSTER", "NODES")
    return b"cluster_state:ok" in state and nodes.count(b"slave ") == 1


def _program() -> str:
    if found := shutil.which("redis-server", path="/usr/local/bin:/usr/bin:/usr/sbin"):
        return found
    raise LabError("redis-server is missing: apt-get install redis-server")
