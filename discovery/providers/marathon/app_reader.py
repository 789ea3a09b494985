"""Turns the JSON of apps into containers; an app whose JSON has not changed is not decoded again."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import MsgspecError, Struct, json

from discovery.decoding.names import normalise
from discovery.providers.container_groups.group import ContainerGroup
from discovery.providers.marathon.apps import PROVIDER, containers_of
from discovery.providers.marathon.values import App
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import MarathonOptions


class _Name(Struct, frozen=True):
    id: str


_decoder = json.Decoder(App)
_names = json.Decoder(_Name)


class AppReader:
    """Remembers what the JSON of the last reading became."""

    def __init__(self, options: MarathonOptions) -> None:
        self._options = options
        self._known: dict[bytes, tuple[str, ContainerGroup]] = {}

    def read(self, written: Sequence[bytes], now: float) -> dict[str, ContainerGroup]:
        """Return the containers of each app, by id; `now` is the Unix time. Raises msgspec.MsgspecError."""
        known: dict[bytes, tuple[str, ContainerGroup]] = {}
        for text in written:
            found = self._known.get(text)
            # A waiting task may have become ready by time alone.
            if found is None or found[1].waiting:
                found = self._decode(text, now)
            known[text] = found
        self._known = known
        return dict(known.values())

    def _decode(self, text: bytes, now: float) -> tuple[str, ContainerGroup]:
        try:
            app = _decoder.decode(text)
        except MsgspecError as error:
            own = _names.decode(text).id
            message = f"not routed: Marathon describes it in an unknown way: {error}"
            fault = Diagnostic(Severity.ERROR, PROVIDER, f"app {normalise(own)}", message)
            return own, ContainerGroup((), (fault,))
        return app.id, containers_of(app, self._options, now)
