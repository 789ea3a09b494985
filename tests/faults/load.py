"""A steady load on proxies, from a process of its own."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.faults.clients import COUNTS
from tests.faults.outcomes import FAILURES, PROGRESS, TALLY, Failure, Plan, Tally
from tests.lab.processes import Process
from tests.lab.waiting import until

ROOT = Path(__file__).parents[2]
SHOWN = 8  # failures in a message


class Load:
    """Asks inside `with`; `tally` and `failures` are there after it, `answered` and `failed` at any time."""

    def __init__(self, plan: Plan, directory: Path, enter: Sequence[str] = ()) -> None:
        """`directory` is empty, and the load's alone."""
        self.plan = plan
        self.tally = Tally()
        self.failures: list[Failure] = []
        self._directory = directory
        self._enter = enter
        self._process: Process | None = None
        (directory / PROGRESS).write_bytes(bytes(COUNTS.size))

    def __enter__(self) -> Self:
        program = [sys.executable, "-m", "tests.faults.clients"]
        arguments = [*program, msgspec.json.encode(self.plan).decode(), str(self._directory)]
        self._process = Process(arguments, name="clients", directory=ROOT, enter=self._enter)
        self.wait_for(2 * (self.plan.clients + self.plan.posts))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process is not None
        status = self._process.stop(timeout=self.plan.patience + 10)
        self.failures = self._failed()
        if kind is not None:
            if isinstance(error, AssertionError) and self.failures:
                error.add_note(self.story())
            return
        assert status == 0, self._process.log
        self.tally = msgspec.json.decode((self._directory / TALLY).read_bytes(), type=Tally)
        assert self.tally.failed == len(self.failures)

    @property
    def answered(self) -> int:
        """Requests that got their whole answer, with status 200, so far."""
        return self._counts()[0]

    @property
    def failed(self) -> int:
        """Requests that did not, so far."""
        return self._counts()[1]

    def wait_for(self, count: int, timeout: float = 120.0) -> None:
        """Returns once so many more have been answered."""
        wanted = self.answered + count
        until(lambda: self._lives() and self.answered >= wanted, f"{count} more answers", timeout=timeout)

    def story(self) -> str:
        """The failures, told one by one, in the order of their beginning."""
        failures = sorted(self.failures, key=lambda failure: failure.began)
        kinds = Counter(f"{failure.method}: {failure.what}" for failure in failures)
        lines = [f"{len(failures)} requests failed: {dict(kinds)}"]
        for failure in failures[:SHOWN]:
            lines.append(
                f"client {failure.client}, request {failure.number}, the {failure.nth}. of its connection "
                f"{failure.local_port} -> {failure.port}: {failure.what}, "
                f"{failure.began:.3f} to {failure.ended:.3f}\n"
                f"    sent {failure.sent!r}\n    received {failure.received!r}"
            )
        return "\n".join(lines)

    def nothing_failed(self) -> None:
        """Raises AssertionError, with the story, when a request failed."""
        assert not self.failures, self.story()

    def _counts(self) -> tuple[int, int]:
        answered, failed = COUNTS.unpack((self._directory / PROGRESS).read_bytes())
        return answered, failed

    def _lives(self) -> bool:
        assert self._process is not None
        if not self._process.running:
            raise self._process.failure("ended before its time")
        return True

    def _failed(self) -> list[Failure]:
        lines = (self._directory / FAILURES).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Failure) for line in lines]
