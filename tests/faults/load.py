"""A steady load on proxies, from a separate process."""

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
MAX_SHOWN = 8  # failures in a message


class Load:
    """Sends requests inside `with`.

    `tally` and `failures` are set at its end; `succeeded` and `failed` are current at any time.
    """

    def __init__(self, plan: Plan, directory: Path, enter: Sequence[str] = ()) -> None:
        """`directory` must be empty; only this load uses it."""
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
        self.wait_for(2 * (self.plan.clients + self.plan.posts + self.plan.http2))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process is not None
        status = self._process.stop(timeout=self.plan.patience + 10)
        self.failures = self._read_failures()
        if kind is not None:
            if isinstance(error, AssertionError) and self.failures:
                error.add_note(self.describe_failures())
            return
        assert status == 0, self._process.log
        self.tally = msgspec.json.decode((self._directory / TALLY).read_bytes(), type=Tally)
        assert self.tally.failed == len(self.failures)

    @property
    def succeeded(self) -> int:
        """The number of requests so far with a complete response and status 200."""
        return self._counts()[0]

    @property
    def failed(self) -> int:
        """The number of failed requests so far."""
        return self._counts()[1]

    def wait_for(self, count: int, timeout: float = 120.0) -> None:
        """Wait until `count` more requests have succeeded."""
        target = self.succeeded + count
        until(
            lambda: self._is_running() and self.succeeded >= target,
            f"{count} more responses",
            timeout=timeout,
        )

    def describe_failures(self) -> str:
        """Return a description of each failure, ordered by the start of the request."""
        failures = sorted(self.failures, key=lambda failure: failure.began)
        kinds = Counter(f"{failure.method}: {failure.reason}" for failure in failures)
        lines = [f"{len(failures)} requests failed: {dict(kinds)}"]
        for failure in failures[:MAX_SHOWN]:
            lines.append(
                f"client {failure.client}, request {failure.number} ({failure.nth} on its connection), "
                f"{failure.local_port} -> {failure.port}: {failure.reason}, "
                f"{failure.began:.3f} to {failure.ended:.3f}\n"
                f"    sent {failure.sent!r}\n    received {failure.received!r}"
            )
        return "\n".join(lines)

    def assert_no_failures(self) -> None:
        """Raise AssertionError, with a description, if a request failed."""
        assert not self.failures, self.describe_failures()

    def _counts(self) -> tuple[int, int]:
        succeeded, failed = COUNTS.unpack((self._directory / PROGRESS).read_bytes())
        return succeeded, failed

    def _is_running(self) -> bool:
        assert self._process is not None
        if not self._process.running:
            raise self._process.failure("ended too early")
        return True

    def _read_failures(self) -> list[Failure]:
        lines = (self._directory / FAILURES).read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Failure) for line in lines]
