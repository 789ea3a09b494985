"""Keeps a bug that one subject triggers in a decoder from removing the routes of all others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from discovery.decoding.decoded import Decoded
from rondpoint.diagnostics import Diagnostic, Severity

logger = logging.getLogger(__name__)


def decode_guarded(
    decode: Callable[[], Sequence[Decoded]], subject: str, read: str, provider: str
) -> Sequence[Decoded]:
    """Return what `decode` returns, or a diagnostic about the exception that it raised.

    `read` says what is decoded: `labels` or `tags`.
    """
    try:
        return decode()
    except Exception as error:
        logger.exception("%s cannot be decoded", subject)
        message = f"its {read} cannot be decoded because of a bug in Rondpoint: {error!r}"
        return (Decoded(subject, diagnostics=(Diagnostic(Severity.ERROR, provider, subject, message),)),)
