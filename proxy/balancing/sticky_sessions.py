"""Sticky sessions: a client goes to the server that its cookie names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.balancing.round_robin import choose_by_ticket

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, Strategy, TargetChooser
    from proxy.balancing.sticky_cookie import Stickiness
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


def sticky_strategy(sticky: Stickiness[Target], strategy: Strategy) -> Strategy:
    """Return a strategy that follows the cookie, and otherwise `strategy`."""

    def strategy_with_cookie(service: BalancedService) -> TargetChooser:
        return sticky_chooser(sticky, strategy(service) or choose_by_ticket)

    return strategy_with_cookie


def sticky_chooser(sticky: Stickiness[Target], otherwise: TargetChooser) -> TargetChooser:
    """Return a function that chooses the server in the cookie unless it is ejected.

    A draining server keeps its sessions.
    """

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        target = sticky.find_member(request)
        if target is not None and not target.ejected:
            return target
        return otherwise(service, tickets, request, peer)

    return choose
