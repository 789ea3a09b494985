"""Runs the load test, checks the worker, and prints the problems."""

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
SETTLE_SECONDS = 15.0
"""Seconds: more than every timeout of the proxy."""
MAX_MEMORY_GROWTH = 8 << 20
MAX_KEPT_PIPES = 128
MAX_KEPT_CONNECTIONS = 3
"""Additional connections to the store: the worker keeps as many as it once used at the same time."""
FLAGS = (
    "--serversTransport.forwardingTimeouts.responseHeaderTimeout=1s",
    "--serversTransport.forwardingTimeouts.dialTimeout=1s",
    "--serversTransport.forwardingTimeouts.idleConnTimeout=2s",
    "--entryPoints.web.transport.respondingTimeouts.readTimeout=2s",
    "--entryPoints.web.transport.respondingTimeouts.idleTimeout=2s",
)


@dataclass(frozen=True)
class State:
    """The resources of a worker: sockets, other descriptors, bytes of memory (PSS)."""

    pid: int
    sockets: int
    others: int
    memory: int


def read_state(proxy: Proxy) -> State:
    """Return the state of the only worker."""
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
    """Run all clients at the same time for `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    await asyncio.gather(*(client(scene, end) for _ in range(CLIENTS)))


async def soak(proxy: Proxy, seconds: float) -> tuple[Scene, State, State]:
    """Run the load; return the scene, and the worker's state before (after a warm-up) and after it."""
    servers = [await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20) for _ in range(3)]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    # `route` blocks until the proxy has the route; the proxy needs no response from this loop for that.
    scene = Scene(proxy.web, proxy.route(*ports), proxy.route(ports[0], free_port(), ports[1]))
    await load(scene, WARM_UP)
    await asyncio.sleep(SETTLE_SECONDS)
    before = read_state(proxy)
    begun, minutes = time.monotonic(), 0
    while (left := seconds - (time.monotonic() - begun)) > 0:
        await load(scene, min(60.0, left))
        minutes += 1
        print(
            f"{minutes} min: {scene.outcomes.total()} outcomes, {len(scene.wrong)} wrong, {read_state(proxy)}"
        )
    await asyncio.sleep(SETTLE_SECONDS)
    return scene, before, read_state(proxy)


def find_problems(scene: Scene, before: State, after: State, log: str) -> list[str]:
    """Return a description of each problem."""
    problems = [f"{count} times {text}" for text, count in Counter(scene.wrong).most_common()]
    if "Traceback" in log:
        problems.append("the log has a traceback:\n" + log[log.index("Traceback") :][:3000])
    if before.pid != after.pid:
        problems.append(f"worker {before.pid} was replaced by {after.pid}")
    if after.sockets > before.sockets + MAX_KEPT_CONNECTIONS:
        problems.append(f"{after.sockets} sockets instead of {before.sockets}")
    if after.others > before.others + MAX_KEPT_PIPES:
        problems.append(f"{after.others} other descriptors instead of {before.others}")
    if after.memory > before.memory + MAX_MEMORY_GROWTH:
        problems.append(f"{after.memory >> 10} KiB instead of {before.memory >> 10}")
    return problems


def main() -> int:
    """Run the command; return 0 if there is no problem."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="seconds of load after the warm-up (default 600)"
    )
    seconds = parser.parse_args().seconds
    with TemporaryDirectory(prefix="rp-") as name:
        directory = Path(name)
        log = f"--accessLog.filePath={directory / 'access.log'}"
        with Store(directory) as store, running_proxy(directory, store, log, *FLAGS) as proxy:
            scene, before, after = asyncio.run(soak(proxy, seconds))
            problems = find_problems(scene, before, after, proxy.process.log)
    for outcome, count in sorted(scene.outcomes.items()):
        print(f"{count:9} {outcome}")
    print(f"before: {before}\nafter:  {after}")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    print("soak: failed" if problems else "soak: no problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
