"""The description of a proxy for the comparison."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.features import Feature
from benchmarks.processes import Launch

# The only routed host; any other gets 404.
HOST = "bench.test"

COLLECTOR = "http://127.0.0.1:9"
"""The address for traces. Nothing listens there: only the proxy's own work is measured, up to sending."""


@dataclass(frozen=True, slots=True)
class Site:
    """The ports and the directory of a proxy, and the servers behind it.

    `directory` is empty, used only by this proxy, and removed afterwards. `port`, `admin_port` and `tls_port`
    are free loopback ports; `servers` are the origin's ports. With a `certificate` (PEM with its key), the
    proxy speaks TLS on `tls_port`. `feature` is what it does beside forwarding. On `h2c_port`, it speaks
    HTTP/2 in clear text. With `h2c_servers`, the servers speak that, too, and nothing else. With `tcp`, it
    relays connections on `port`, whatever they carry.
    """

    directory: Path
    port: int
    admin_port: int
    servers: tuple[int, ...]
    tls_port: int = 0
    certificate: Path | None = None
    feature: Feature | None = None
    h2c_port: int = 0
    h2c_servers: bool = False
    tcp: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """A compared proxy.

    `prepare` writes the configuration and returns the command, which runs in the foreground and ends on
    SIGTERM. `version` returns the name and version. Both raise BenchmarkError if the program is missing.
    `during` is a context that is open during the measurement. `lacks` are the scenarios that ask for what the
    proxy cannot do; it takes no part in them.
    """

    name: str
    prepare: Callable[[Site], Launch]
    version: Callable[[], str]
    during: Callable[[Site], AbstractContextManager[None]] = lambda _: nullcontext()
    lacks: frozenset[str] = frozenset()
