"""Holds the known apps, and builds the provider's configuration from them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from discovery.container import Container
from discovery.decoding.decoded import Decoded
from discovery.merging.union import Union
from discovery.providers.marathon.apps import PROVIDER, AppContainers
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration

logger = logging.getLogger(__name__)

Decode = Callable[[Container], Decoded]


class Inventory:
    """The apps by id. Each container is decoded once, and again only after it changed."""

    def __init__(self, decode: Decode) -> None:
        self._decode = decode
        self._union = Union(PROVIDER)
        self._apps: dict[str, AppContainers] = {}
        self._missing: dict[str, float] = {}

    @property
    def next_expiry(self) -> float | None:
        """When (monotonic) the first missing app expires; None if none is kept."""
        return min(self._missing.values(), default=None)

    @property
    def waiting(self) -> bool:
        """Whether a task may become ready without an event."""
        return any(each.waiting for each in self._apps.values())

    def replace(self, apps: Mapping[str, AppContainers], *, keep_until: float | None = None) -> bool:
        """Replace all apps; return whether definitions may differ.

        Missing apps are kept until `keep_until` (monotonic), or until the time of an earlier call.
        """
        changed = False
        now = time.monotonic()
        for own in self._apps.keys() - apps.keys():
            if keep_until is not None:
                self._missing.setdefault(own, keep_until)
            if self._missing.get(own, now) <= now:
                self._put(own, None)
                changed = True
        for own, app in apps.items():
            self._missing.pop(own, None)
            if self._apps.get(own) != app:
                self._put(own, app)
                changed = True
        return changed

    def configuration(self) -> Configuration:
        """Return the configuration of all apps."""
        return self._union.configuration()

    def _put(self, own: str, app: AppContainers | None) -> None:
        """Replace one app; None removes it."""
        before = {} if own not in self._apps else {each.id: each for each in self._apps[own].containers}
        after = {} if app is None else {each.id: each for each in app.containers}
        for key in before.keys() - after.keys():
            self._union.remove(f"{own} {key}")
        for key, container in after.items():
            if before.get(key) != container:
                self._union.put(f"{own} {key}", self._decode_one(container))
        if app is None:
            del self._apps[own]
            self._missing.pop(own, None)
            self._union.remove(own)
            return
        self._apps[own] = app
        self._union.put(own, Decoded(f"app {own}", diagnostics=app.diagnostics))

    def _decode_one(self, container: Container) -> Decoded:
        try:
            return self._decode(container)
        except Exception as error:
            # A bug that one app triggers must not remove the routes of all others.
            logger.exception("app %s cannot be decoded", container.name)
            subject = f"app {container.name}"
            message = f"its labels cannot be decoded because of a bug in Rondpoint: {error!r}"
            return Decoded(subject, diagnostics=(Diagnostic(Severity.ERROR, PROVIDER, subject, message),))
