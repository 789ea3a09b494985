"""Two running proxies for these tests, one with short timeouts; each test publishes what it needs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy, watched
from tests.proxy.wire.client import Client


@pytest.fixture(scope="package")
def directory() -> Iterator[Path]:
    with TemporaryDirectory(prefix="rp-") as directory:
        yield Path(directory)


def started(directory: Path, name: str, *flags: str) -> Iterator[Proxy]:
    own = directory / name
    own.mkdir()
    with Store(own) as store, running_proxy(own, store, *flags) as proxy:
        yield proxy


@pytest.fixture(scope="package")
def patient_proxy(directory: Path) -> Iterator[Proxy]:
    """With default timeouts."""
    yield from started(directory, "patient")


@pytest.fixture(scope="package")
def hasty_proxy(directory: Path) -> Iterator[Proxy]:
    """With timeouts of one second."""
    yield from started(
        directory,
        "hasty",
        "--serversTransport.forwardingTimeouts.responseHeaderTimeout=1s",
        "--serversTransport.forwardingTimeouts.dialTimeout=1s",
        "--entryPoints.web.transport.respondingTimeouts.readTimeout=1s",
        "--entryPoints.web.transport.respondingTimeouts.idleTimeout=1s",
    )


@pytest.fixture
def proxy(patient_proxy: Proxy) -> Iterator[Proxy]:
    """A proxy with one worker."""
    yield from watched(patient_proxy)


@pytest.fixture
def hasty(hasty_proxy: Proxy) -> Iterator[Proxy]:
    """A proxy with one worker and timeouts of one second, which the worker checks once a second."""
    yield from watched(hasty_proxy)


@pytest.fixture
def client(proxy: Proxy) -> Iterator[Client]:
    """A connection to `proxy`."""
    with Client(proxy.web) as client:
        yield client
