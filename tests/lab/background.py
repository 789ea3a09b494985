"""Work that goes on beside a test."""

import threading
from types import TracebackType
from typing import Self


class Background:
    """Does its work, `run`, in a thread of its own inside `with`; at the end the thread has ended, too."""

    def __init__(self, name: str) -> None:
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()

    def run(self) -> None:
        """Until `stop` is called."""
        raise NotImplementedError

    def stop(self) -> None:
        """Has `run` return; called from another thread."""
        raise NotImplementedError
