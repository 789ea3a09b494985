"""The clients of one load, a program of their own: `python -m tests.faults.clients PLAN DIRECTORY`.

PLAN is a `Plan` in JSON. Failures are written to DIRECTORY as they happen, the counts when SIGTERM has ended
it all; how many were answered and how many failed can be read at any time in the file `progress`.
"""

import asyncio
import mmap
import signal
import struct
import sys
from pathlib import Path

import msgspec

from tests.faults.client import Client
from tests.faults.outcomes import FAILURES, PROGRESS, TALLY, Failure, Plan, Tally

COUNTS = struct.Struct("<QQ")


async def ask(plan: Plan, directory: Path) -> Tally:
    """Have all clients ask until SIGTERM."""
    tally, end = Tally(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    progress = directory / PROGRESS
    with progress.open("r+b") as file, (directory / FAILURES).open("wb", buffering=0) as failures:
        shared = mmap.mmap(file.fileno(), COUNTS.size)

        def tell(failure: Failure) -> None:
            failures.write(msgspec.json.encode(failure) + b"\n")

        def count() -> None:
            COUNTS.pack_into(shared, 0, tally.answered, tally.failed)

        clients = [Client(number, plan, tally, tell, count) for number in range(plan.clients + plan.posts)]
        await asyncio.gather(*(client.run(end) for client in clients))
    return tally


def main() -> None:
    plan, directory = msgspec.json.decode(sys.argv[1], type=Plan), Path(sys.argv[2])
    tally = asyncio.run(ask(plan, directory))
    (directory / TALLY).write_bytes(msgspec.json.encode(tally))


if __name__ == "__main__":
    main()
