"""When a CA wants a certificate to be renewed."""

from __future__ import annotations

from msgspec import Struct


class RenewalInfo(Struct, frozen=True):
    """The window to renew in, and when to ask again, in Unix seconds; `explanation` is a page of the CA."""

    start: float
    end: float
    ask_again: float
    explanation: str = ""
