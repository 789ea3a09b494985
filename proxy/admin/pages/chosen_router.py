"""The router whose flow the dashboard shows: the one that the query names, or else one that serves."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.pages.page_parts import Routes
from proxy.admin.views.object_status import DISABLED

_PARAMETERS = {"http": "router", "tcp": "tcp-router", "udp": "udp-router"}
"""The query parameter with the name of a router, by protocol."""


class ChosenRouter(Struct, frozen=True):
    """A router by its protocol (`http`, `tcp`, `udp`) and name."""

    protocol: str
    name: str

    @property
    def parameter(self) -> str:
        """The query parameter that chooses this router."""
        return _PARAMETERS[self.protocol]


def chosen_router(query: Mapping[str, str]) -> ChosenRouter | None:
    """Return the router that the query names, or None."""
    named = (ChosenRouter(protocol, query.get(name, "")) for protocol, name in _PARAMETERS.items())
    return next((each for each in named if each.name), None)


def default_router(configuration: CurrentConfiguration, routes: Routes) -> ChosenRouter | None:
    """Return the first listed router that serves, or else the first one; None if there is no router."""
    if routes.kind == "router" and routes.list_page.items:
        serving = (view.name for view in routes.views if view.status != DISABLED)
        return ChosenRouter(routes.protocol, next(serving, routes.list_page.items[0]))
    state = configuration.state
    routers: dict[str, Mapping[str, object]] = {
        "http": state.routers,
        "tcp": state.tcp_routers,
        "udp": state.udp_routers,
    }
    of_protocols = (
        ChosenRouter(protocol, min(names))
        for protocol, names in sorted(routers.items(), key=lambda item: item[0] != routes.protocol)
        if names
    )
    return next(of_protocols, None)
