"""A slot that holds a service and follows its replacements."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService


class ServiceSlot:
    """A slot that gives a service without a lookup by name; `served` is None if the slot is empty.

    The registry keeps a slot while it has the service, and puts each replacement into it. After the service
    is removed, the slot stays empty, and its holder asks the registry for another.
    """

    __slots__ = ("served",)

    def __init__(self) -> None:
        self.served: BalancedService | None = None


EMPTY_SLOT = ServiceSlot()
"""The slot for unknown services; it never holds one."""
