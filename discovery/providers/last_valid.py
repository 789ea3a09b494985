"""Keeps the last valid contents of a source in force while new contents cannot be read."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic


def keep_last_valid(known: Decoded | None, subject: str, fault: Diagnostic, source: str) -> Decoded:
    """Return the definitions in `known`, if there are any, with `fault` as the only diagnostic.

    `source` is the noun for what has the contents, such as `file`.
    """
    if known is None or not _defines_something(known):
        return Decoded(subject, diagnostics=(fault,))
    in_force = f"the last valid contents of the {source} stay in force"
    hint = "; ".join(part for part in (fault.hint, in_force) if part)
    return replace(known, diagnostics=(replace(fault, hint=hint),))


def _defines_something(decoded: Decoded) -> bool:
    objects = (decoded.routers, decoded.services, decoded.middlewares, decoded.servers_transports)
    return any((*objects, decoded.tls_options, decoded.pairs, decoded.certificates))
