"""A copy of the document in a local file, in case the store comes back empty."""

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
    """The copy in the file `path`; without a path nothing is saved."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last_error = ""

    def load(self) -> Document:
        """Return the saved document; the empty one if there is no usable file."""
        if self._path is None:
            return EMPTY
        try:
            load = msgspec.json.decode(self._path.read_bytes(), type=_FileContents)
        except FileNotFoundError:
            return EMPTY
        except (OSError, msgspec.MsgspecError) as error:
            logger.warning(
                "%s cannot be read, so the API's routes are only in the store: %s", self._path, error
            )
            return EMPTY
        return Document(load.version, {field: bytes(raw) for field, raw in load.objects.items()})

    def save(self, document: Document) -> None:
        """Replace the saved document; an error is only logged."""
        if self._path is None:
            return
        objects = {field: msgspec.Raw(raw) for field, raw in document.objects.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._path.parent, prefix=self._path.name, delete=False) as file:
                # The document may contain secrets of middlewares. Temporary files are readable only by their
                # owner.
                file.write(msgspec.json.encode(_FileContents(document.version, objects)))
            os.replace(file.name, self._path)  # noqa: PTH105 (a name and a path)
        except OSError as error:
            if str(error) != self._last_error:
                logger.warning("the API's routes cannot be saved in %s: %s", self._path, error)
            self._last_error = str(error)
