"""A copy of what the API defined in a local file, for a store that comes back empty."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from msgspec import Struct

from rondpoint.store.admin.document import EMPTY, Document

logger = logging.getLogger(__name__)


class _FileContents(Struct, frozen=True):
    version: int
    objects: dict[str, msgspec.Raw]


class LocalCopy:
    """`path` None: nothing is kept but in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last_error = ""

    def load(self) -> Document:
        """What was kept; the empty document where there is nothing that can be used."""
        if self._path is None:
            return EMPTY
        try:
            load = msgspec.json.decode(self._path.read_bytes(), type=_FileContents)
        except FileNotFoundError:
            return EMPTY
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning(
                "%s cannot be read, what the API defined is in the store alone: %s", self._path, error
            )
            return EMPTY
        return Document(load.version, {field: bytes(raw) for field, raw in load.objects.items()})

    def save(self, document: Document) -> None:
        """Write it in the place of what was kept; a fault is told, and has no other consequence."""
        if self._path is None:
            return
        objects = {field: msgspec.Raw(raw) for field, raw in document.objects.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._path.parent, prefix=self._path.name, delete=False) as file:
                # It may hold secrets of middlewares; such files are readable by their owner alone.
                file.write(msgspec.json.encode(_FileContents(document.version, objects)))
            os.replace(file.name, self._path)  # noqa: PTH105 (a name and a path)
        except OSError as error:
            if str(error) != self._last_error:
                logger.warning("what the API defined cannot be kept in %s: %s", self._path, error)
            self._last_error = str(error)
