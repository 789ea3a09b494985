"""Seals the private keys that options hold as text, so that the store never has them in clear.

Such an option is `key` of `tls`, in `forwardAuth` of both versions of Traefik and in `rateLimit.redis`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from rondpoint.certificate_options import may_be_shown
from rondpoint.store.sealing import is_sealed

if TYPE_CHECKING:
    from discovery.certificates.loading import Seal
    from rondpoint.configuration import Configuration
    from rondpoint.model import Middleware

_KINDS = frozenset(("forwardAuth", "rateLimit"))
"""The kinds of middlewares with such options. Options of a plugin are its own business."""


class SealedMiddlewares:
    """Seals the keys of one provider's middlewares; unchanged middlewares stay the same objects."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._known: dict[str, tuple[Middleware, Middleware]] = {}

    def apply(self, configuration: Configuration) -> Configuration:
        """Return the configuration with sealed keys; the same object if it has none to seal."""
        known = {}
        for name, written in configuration.middlewares.items():
            if written.kind not in _KINDS:
                continue
            before = self._known.get(name)
            if before is not None and before[0] is written:
                known[name] = before
            elif (options := seal_keys(written.options, self._seal)) is not written.options:
                known[name] = (written, replace(written, options=options))
        self._known = known
        if not known:
            return configuration
        sealed = {name: each for name, (_, each) in known.items()}
        return replace(configuration, middlewares={**configuration.middlewares, **sealed})


def seal_keys(tree: Any, seal: Seal, parent: str = "") -> Any:
    """Return a tree of options with sealed keys; the same object if it has none to seal.

    `parent` is the name of the option that holds the tree. The names of files stay as they are.
    """
    if not isinstance(tree, Mapping):
        return tree
    changed = {}
    for name, value in tree.items():
        if isinstance(value, str):
            if parent.lower() != "tls" or name.lower() != "key" or may_be_shown(value) or is_sealed(value):
                continue
            sealed = seal(value)
            if sealed != value:
                changed[name] = sealed
        elif name.lower() != "plugin" and (found := seal_keys(value, seal, name)) is not value:
            changed[name] = found
    return {**tree, **changed} if changed else tree
