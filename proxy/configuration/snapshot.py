"""The last configuration a proxy had, in a local file, for a start while the store is gone.

One JSON value a line: the revision first, then each object with its kind. Many small values let a worker
go on serving while it writes, and one that cannot be read costs itself alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic

import gevent
import msgspec
from gevent.event import Event

from proxy.background.cooperative_yield import CooperativeYield
from rondpoint.model import Middleware, Router, Service
from rondpoint.settings import Settings
from rondpoint.store.decoding import decoded
from rondpoint.store.state import State

log = logging.getLogger(__name__)

BATCH = 20
"""Objects written without a pause."""

STRETCH = 0.0003
"""Seconds that requests wait at most at a time: it is done often where changes never cease."""

SETTLING = 2.0
"""Seconds after a change before it is written, so that a burst is written once."""

SHARE = 0.05
"""Of a worker's time that may go into writing, where changes never cease."""

_SYSTEM = Path("/var/lib/rondpoint")


class Line(msgspec.Struct, omit_defaults=True):
    """One object of the configuration; exactly one field is set."""

    router: Router | None = None
    service: Service | None = None
    middleware: Middleware | None = None


def snapshot_path(settings: Settings, environ: Mapping[str, str]) -> Path:
    """One file for each store and namespace, so that no installation serves another's routes."""
    directory = settings.state_directory
    if directory is None and os.access(_SYSTEM, os.W_OK):
        directory = _SYSTEM
    if directory is None:
        home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "/") / ".local" / "state")
        directory = Path(home) / "rondpoint"
    installation = f"{settings.redis.url}\n{settings.redis.namespace}".encode()
    return Path(directory) / f"configuration-{hashlib.sha256(installation).hexdigest()[:16]}.jsonl"


def save(path: Path, state: State) -> None:
    """Write `state`, readable by this user alone, in one step for whoever reads. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile("wb", dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            yield_if_due = CooperativeYield(STRETCH)
            for count, line in enumerate(_lines(state)):
                file.write(line + b"\n")
                if count % BATCH == 0:
                    yield_if_due()
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def load(path: Path) -> State | None:
    """What `save` wrote last; None when there is nothing that can be read."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return None
    decoder = msgspec.json.Decoder(Line)
    state = State(0, {}, {}, {})
    for number, line in enumerate(lines):
        try:
            if not number:
                state = State(msgspec.json.decode(line, type=int), {}, {}, {})
                continue
            item = decoded(decoder, line)
        except msgspec.MsgspecError as error:
            log.warning("%s, line %d cannot be read and is left out: %s", path, number + 1, error)
            continue
        if item.router is not None:
            state.routers[item.router.name] = item.router
        elif item.service is not None:
            state.services[item.service.name] = item.service
        elif item.middleware is not None:
            state.middlewares[item.middleware.name] = item.middleware
    return state if lines else None


class Saver:
    """Keeps the file at what is in force: `changed` after each change, `run` beside the requests."""

    def __init__(self, path: Path, state: Callable[[], State]) -> None:
        self._path = path
        self._state = state
        self._changed = Event()
        self._complained = False

    def changed(self) -> None:
        """Have the configuration in force written soon."""
        self._changed.set()

    def run(self) -> None:
        """Write until killed; a file that cannot be written is complained of once."""
        pause = SETTLING
        while True:
            self._changed.wait()
            # Workers of one proxy share the file: the first to come writes, the others find it done.
            gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
            self._changed.clear()
            state = self._state()
            if self._written() == state.revision:
                continue
            began = monotonic()
            try:
                save(self._path, state)
            except OSError as error:
                if not self._complained:
                    log.warning(
                        "the last configuration cannot be kept for a start without the store "
                        "(set stateDirectory to a directory that can be written): %s",
                        error,
                    )
                self._complained = True
            pause = max(SETTLING, (monotonic() - began) / SHARE)

    def _written(self) -> int | None:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.readline(), type=int)
        except (OSError, msgspec.MsgspecError):
            return None


def _lines(state: State) -> Iterator[bytes]:
    encode = msgspec.json.encode
    yield encode(state.revision)
    for service in state.services.values():
        yield encode(Line(service=service))
    for middleware in state.middlewares.values():
        yield encode(Line(middleware=middleware))
    for router in state.routers.values():
        yield encode(Line(router=router))
