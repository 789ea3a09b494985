"""The base class of server programs that a test can kill, freeze and restart."""

import signal
from types import TracebackType
from typing import Self

from tests.lab.errors import LabError
from tests.lab.processes import Process


class Server:
    """A server, called `name` in errors; it runs inside `with`, or from `start` to `kill`."""

    name: str

    def __init__(self) -> None:
        """Prepare the server; `start` starts it."""
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def process(self) -> Process:
        """The running process. Raises LabError if it does not run."""
        if self._process is None:
            raise LabError(f"{self.name} does not run")
        return self._process

    def start(self) -> None:
        """Start the server and wait until it serves; it must not run yet."""
        raise NotImplementedError

    def kill(self) -> None:
        """Kill it at once, as a crash would; it need not run."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Kill it and start it again at the same address, empty unless it keeps its data."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Suspend it: connections stay open, but nothing is answered."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen server."""
        self.process.signal(signal.SIGCONT)
