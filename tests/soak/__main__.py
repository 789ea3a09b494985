"""Run it, watch the worker, and say what was found."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.memory import tree_bytes
from tests.lab.ports import free_port
from tests.lab.processes import descendants
from tests.lab.store import Store
from tests.proxy.running import Proxy, running_proxy
from tests.soak.clients import Scene, client
from tests.soak.origin import serve

CLIENTS = 40
WARM_UP = 10.0
SETTLING = 15.0
"""Seconds: more than any time-out given to the proxy."""
MORE_MEMORY = 8 << 20
KEPT_PIPES = 128
KEPT_LINES = 3
"""Connections to the store: as many as are used at the same time at some time, one of them from the start."""
FLAGS = (
    "--serversTransport.forwardingTimeouts.responseHeaderTimeout=1s",
    "--serversTransport.forwardingTimeouts.dialTimeout=1s",
    "--serversTransport.forwardingTimeouts.idleConnTimeout=2s",
    "--entryPoints.web.transport.respondingTimeouts.readTimeout=2s",
    "--entryPoints.web.transport.respondingTimeouts.idleTimeout=2s",
)


@dataclass(frozen=True)
class State:
    """What a worker holds: sockets, other descriptors, bytes of memory (PSS)."""

    pid: int
    sockets: int
    others: int
    memory: int


def state(proxy: Proxy) -> State:
    """Of the one worker."""
    (pid,) = descendants(proxy.process.pid)
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    sockets = sum(link.startswith("socket:") for link in links)
    return State(pid, sockets, len(links) - sockets, tree_bytes(pid))


async def load(scene: Scene, seconds: float) -> None:
    """All clients at once, then quiet for as long as the time-outs take."""
    until = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*(client(scene, until) for _ in range(CLIENTS)))


async def soak(proxy: Proxy, seconds: float) -> tuple[Scene, State, State]:
    """The scene after the load, and the worker's state before (when warm) and after it."""
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20) for _ in range(3)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    # Publishing waits for the proxy, which needs no answer of this loop.
    scene = Scene(proxy.web, proxy.route(*ports), proxy.route(ports[0], free_port(), ports[1]))
    await load(scene, WARM_UP)
    await asyncio.sleep(SETTLING)
    before = state(proxy)
    begun, minutes = time.monotonic(), 0
    while (left := seconds - (time.monotonic() - begun)) > 0:
        await load(scene, min(60.0, left))
        minutes += 1
        print(f"{minutes} min: {scene.outcomes.total()} outcomes, {len(scene.wrong)} wrong, {state(proxy)}")
    await asyncio.sleep(SETTLING)
    return scene, before, state(proxy)


def findings(scene: Scene, before: State, after: State, log: str) -> list[str]:
    """What is not as it should be."""
    found = [f"{count} times {text}" for text, count in Counter(scene.wrong).most_common()]
    if "Traceback" in log:
        found.append("the log has a traceback:\n" + log[log.index("Traceback") :][:3000])
    if before.pid != after.pid:
        found.append(f"worker {before.pid} was replaced by {after.pid}")
    if after.sockets > before.sockets + KEPT_LINES:
        found.append(f"{after.sockets} sockets instead of {before.sockets}")
    if after.others > before.others + KEPT_PIPES:
        found.append(f"{after.others} other descriptors instead of {before.others}")
    if after.memory > before.memory + MORE_MEMORY:
        found.append(f"{after.memory >> 10} KiB instead of {before.memory >> 10}")
    return found


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="of load, beside warming up (default 600)"
    )
    seconds = parser.parse_args().seconds
    with TemporaryDirectory(prefix="rp-") as name:
        directory = Path(name)
        log = f"--accessLog.filePath={directory / 'access.log'}"
        with Store(directory) as store, running_proxy(directory, store, log, *FLAGS) as proxy:
            scene, before, after = asyncio.run(soak(proxy, seconds))
            found = findings(scene, before, after, proxy.process.log)
    for outcome, count in sorted(scene.outcomes.items()):
        print(f"{count:9} {outcome}")
    print(f"before: {before}\nafter:  {after}")
    for finding in found:
        print(f"FOUND: {finding}")
    print("soak: failed" if found else "soak: nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
