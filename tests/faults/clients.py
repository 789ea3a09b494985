"""Runs the clients of a load in a separate process: `python -m tests.faults.clients PLAN DIRECTORY`.

PLAN is a `Plan` in JSON. Each failure is written to DIRECTORY at once, and the tally after SIGTERM. The file
`progress` always has the current numbers of succeeded and failed requests.
"""

import asyncio
import mmap
import signal
import struct
import sys
from pathlib import Path

import msgspec

from tests.faults.client import Client
from tests.faults.http2_client import Http2Client
from tests.faults.outcomes import FAILURES, PROGRESS, TALLY, Failure, Plan, Tally

COUNTS = struct.Struct("<QQ")


async def run_clients(plan: Plan, directory: Path) -> Tally:
    """Run all clients until SIGTERM."""
    tally, end = Tally(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    progress = directory / PROGRESS
    with progress.open("r+b") as file, (directory / FAILURES).open("wb", buffering=0) as failures:
        shared = mmap.mmap(file.fileno(), COUNTS.size)

        def record_failure(failure: Failure) -> None:
            failures.write(msgspec.json.encode(failure) + b"\n")

        def publish_counts() -> None:
            COUNTS.pack_into(shared, 0, tally.succeeded, tally.failed)

        http1 = plan.clients + plan.posts
        kinds = [Client] * http1 + [Http2Client] * plan.http2
        clients = [
            kind(number, plan, tally, record_failure, publish_counts) for number, kind in enumerate(kinds)
        ]
        await asyncio.gather(*(client.run(end) for client in clients))
    return tally


def main() -> None:
    plan, directory = msgspec.json.decode(sys.argv[1], type=Plan), Path(sys.argv[2])
    tally = asyncio.run(run_clients(plan, directory))
    (directory / TALLY).write_bytes(msgspec.json.encode(tally))


if __name__ == "__main__":
    main()
