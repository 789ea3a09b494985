"""The TLS options that the configuration defines, by name."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from proxy.tls.errors import OptionsError
from proxy.tls.server_context import create_context, missing_algorithms
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsOptions

log = logging.getLogger(__name__)


class _Known(NamedTuple):
    options: TlsOptions
    refusal: str


_BUILT_IN = _Known(TlsOptions(DEFAULT_OPTIONS), "")


def _ignore(_name: str) -> None:
    pass


class OptionsRegistry:
    """TLS options by name, with the reason why connections to their hosts are refused, if they are.

    The name of the default options is DEFAULT_OPTIONS, whichever provider defines them. When options with a
    name change or go, `changes` grows, and `on_change` gets the name.
    """

    def __init__(self) -> None:
        self._known = {DEFAULT_OPTIONS: _BUILT_IN}
        self.changes = 0
        self.on_change: Callable[[str], None] = _ignore

    def put(self, options: TlsOptions) -> None:
        """Add or replace options."""
        refusal = refusal_of(options)
        if refusal:
            log.warning(
                "TLS options %s are not served, so connections to their hosts are refused: %s",
                options.name,
                refusal,
            )
        for missing in [] if refusal else missing_algorithms(options):
            log.warning("TLS options %s are served without %s, which OpenSSL lacks", options.name, missing)
        self._set(DEFAULT_OPTIONS if options.is_default else options.name, _Known(options, refusal))

    def remove(self, name: str) -> None:
        """Remove options; ignore an unknown name. Without default options, those built in are used."""
        # Default options of another provider may have come before these go.
        if self._known[DEFAULT_OPTIONS].options.name == name:
            self._set(DEFAULT_OPTIONS, _BUILT_IN)
        elif name != DEFAULT_OPTIONS and self._known.pop(name, None) is not None:
            self._report_change(name)

    def serves(self, name: str) -> bool:
        """Return whether connections can be made with the options with this name."""
        known = self._known.get(name)
        return known is not None and not known.refusal

    def find(self, name: str) -> TlsOptions:
        """Return the options with this name. Raises OptionsError if they are unknown or not served."""
        known = self._known.get(name)
        if known is None:
            raise OptionsError(f"TLS options {name} do not exist")
        if known.refusal:
            raise OptionsError(f"TLS options {name} are not served: {known.refusal}")
        return known.options

    def _set(self, name: str, known: _Known) -> None:
        before = self._known.get(name)
        self._known[name] = known
        # Default options that only go by another provider's name are the same ones.
        if before is not None and replace(before.options, name="") != replace(known.options, name=""):
            self._report_change(name)

    def _report_change(self, name: str) -> None:
        self.changes += 1
        self.on_change(name)


def refusal_of(options: TlsOptions) -> str:
    """Return why connections cannot be made with these options; empty if they can."""
    try:
        create_context(options)
    except OptionsError as error:
        return str(error)
    return ""
