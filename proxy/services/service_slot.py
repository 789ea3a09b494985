"""Where a service is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService


class ServiceSlot:
    """Where a service is found without looking for its name; `served` is None where it is not ready.

    A place is kept while its service is there, and follows its replacements; afterwards it stays empty, and
    whoever holds it asks for another.
    """

    __slots__ = ("served",)

    def __init__(self) -> None:
        self.served: BalancedService | None = None


EMPTY_SLOT = ServiceSlot()
"""No service is ever there."""
