"""A server program that a test can kill, freeze and bring back."""

import signal
from types import TracebackType
from typing import Self

from tests.lab.errors import LabError
from tests.lab.processes import Process


class Server:
    """One server, called `name` in errors; it runs inside `with`, or from `start` to `kill`."""

    name: str

    def __init__(self) -> None:
        """Does not start it."""
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
        """The running server; raises LabError when it does not run."""
        if self._process is None:
            raise LabError(f"{self.name} does not run")
        return self._process

    def start(self) -> None:
        """Returns once it serves; it must not run yet."""
        raise NotImplementedError

    def kill(self) -> None:
        """Kills it at once, as a crash would; no error when it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Kills it and starts it again at the same place, empty unless it keeps its data."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Stops it in its tracks: connections stay open, and nothing is answered."""
        self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        self.process.signal(signal.SIGCONT)
