"""What the comparison needs to know about a proxy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Launch

# The only host that a proxy may route; any other gets 404.
HOST = "bench.test"

COLLECTOR = "http://127.0.0.1:9"
"""Of traces. Nobody is there: what is measured is the proxy's own work, up to the sending."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a proxy listens and what stands behind it.

    `directory` is its own, empty, and removed afterwards; `port`, `admin_port` and `tls_port` are free
    loopback ports; `servers` are the origin's ports. With a `certificate` (PEM, key included) it speaks TLS
    on `tls_port`.
    """

    directory: Path
    port: int
    admin_port: int
    servers: tuple[int, ...]
    tls_port: int = 0
    certificate: Path | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """`prepare` writes the configuration and says what to start (in the foreground, ends on SIGTERM);
    `version` names what is measured. Both raise BenchmarkError when the program is missing. `beside` is what
    goes on while it is measured.
    """

    name: str
    prepare: Callable[[Site], Launch]
    version: Callable[[], str]
    beside: Callable[[Site], AbstractContextManager[None]] = lambda _: nullcontext()
