"""Services that keep a client with the server that its cookie names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.balancing.round_robin import weigh_in_turn

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService, Choose, Strategy
    from proxy.balancing.sticky_cookie import Stickiness
    from proxy.balancing.tickets import Tickets
    from proxy.http1.request import Request
    from proxy.upstream.endpoint import Target


def keeping(sticky: Stickiness[Target], strategy: Strategy) -> Strategy:
    """The strategy of those who bring no such cookie, with the others kept."""

    def kept(service: BalancedService) -> Choose:
        return keep(sticky, strategy(service) or weigh_in_turn)

    return kept


def keep(sticky: Stickiness[Target], otherwise: Choose) -> Choose:
    """Choose whom the cookie names, as long as it is there; who is leaving goes on with its sessions."""

    def choose(service: BalancedService, tickets: Tickets, request: Request, peer: str) -> Target:
        kept = sticky.kept(request)
        if kept is not None and not kept.endpoint.ejected:
            return kept
        return otherwise(service, tickets, request, peer)

    return choose
