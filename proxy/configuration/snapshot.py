"""Saves the last configuration of a proxy to a local file, for a start while the store is down.

The file has one JSON value a line: the revision first, then each object with its section. Small values let a
worker serve requests while it writes; an unreadable line loses only its own object.
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
from gevent.hub import get_hub

from proxy.background.cooperative_yield import CooperativeYield
from rondpoint.settings import Settings
from rondpoint.store.decoding import decode_json
from rondpoint.store.sections import SECTIONS, sections_of
from rondpoint.store.state import State

log = logging.getLogger(__name__)

BATCH = 20
"""Objects written between two yields."""

MAX_PAUSE = 0.0003
"""Longest pause in seconds for requests; short, because frequent changes make frequent writes."""

WRITE_DELAY = 2.0
"""Seconds from a change to its write, so that a burst of changes is written once."""

MAX_TIME_SHARE = 0.05
"""Largest share of a worker's time that writing may use during constant changes."""

_SYSTEM_DIRECTORY = Path("/var/lib/rondpoint")


_Line = msgspec.defstruct("_Line", [(name, kind | None, None) for name, kind in SECTIONS.items()])
"""One object of the configuration, in the field of its section."""


def snapshot_path(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return the path of the file; each store and namespace has its own, so installations do not mix."""
    directory = settings.state_directory
    if directory is None and os.access(_SYSTEM_DIRECTORY, os.W_OK):
        directory = _SYSTEM_DIRECTORY
    if directory is None:
        home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME") or "/") / ".local" / "state")
        directory = Path(home) / "rondpoint"
    installation = f"{settings.redis.url}\n{settings.redis.namespace}".encode()
    return Path(directory) / f"configuration-{hashlib.sha256(installation).hexdigest()[:16]}.jsonl"


def save(path: Path, state: State) -> None:
    """Write `state` atomically, readable by this user only. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile("wb", dir=path.parent, prefix=path.name, delete=False) as file:
        try:
            yield_if_due = CooperativeYield(MAX_PAUSE)
            for count, line in enumerate(_lines(state)):
                file.write(line + b"\n")
                if count % BATCH == 0:
                    yield_if_due()
            file.flush()
            # In a thread, because freeing the old file takes a millisecond for each 3 MB.
            get_hub().threadpool.apply(os.replace, (file.name, path))
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def load(path: Path) -> State | None:
    """Return the state that `save` wrote last; None if the file cannot be read or is empty."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return None
    decoder = msgspec.json.Decoder(_Line)
    state = State(0)
    for number, line in enumerate(lines):
        try:
            if not number:
                state = State(msgspec.json.decode(line, type=int))
                continue
            item = decode_json(decoder, line)
        except msgspec.MsgspecError as error:
            log.warning("%s: line %d cannot be read and is skipped: %s", path, number + 1, error)
            continue
        for section, found in sections_of(item).items():
            if found is not None:
                getattr(state, section)[found.name] = found
    return state if lines else None


class SnapshotSaver:
    """Keeps the file up to date: `changed` marks a change, `run` writes in the background."""

    def __init__(self, path: Path, state: Callable[[], State]) -> None:
        self._path = path
        self._state = state
        self._changed = Event()
        self._failure_logged = False

    def changed(self) -> None:
        """Request a write of the current configuration soon."""
        self._changed.set()

    def run(self) -> None:
        """Write after changes until killed; log a write error once."""
        pause = WRITE_DELAY
        while True:
            self._changed.wait()
            # Workers of one proxy share the file: the first one writes, the others find the revision written.
            gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
            self._changed.clear()
            state = self._state()
            if self._saved_revision() == state.revision:
                continue
            began = monotonic()
            try:
                save(self._path, state)
            except OSError as error:
                if not self._failure_logged:
                    log.warning(
                        "the last configuration cannot be saved for a start without the store "
                        "(set stateDirectory to a writable directory): %s",
                        error,
                    )
                self._failure_logged = True
            pause = max(WRITE_DELAY, (monotonic() - began) / MAX_TIME_SHARE)

    def _saved_revision(self) -> int | None:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.readline(), type=int)
        except (OSError, msgspec.MsgspecError):
            return None


def _lines(state: State) -> Iterator[bytes]:
    encode = msgspec.json.encode
    yield encode(state.revision)
    for section, objects in sections_of(state).items():
        for found in objects.values():
            yield encode({section: found})
