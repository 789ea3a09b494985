"""Which objects a query of the API asks for, and in which order: Traefik 3's filters and sorting."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

ROUTER_ORDERS = ("name", "provider", "priority", "status", "rule", "service", "entryPoints")
SERVICE_ORDERS = ("name", "type", "servers", "provider", "status")
MIDDLEWARE_ORDERS = ("name", "type", "provider", "status")


class Selection(Struct, frozen=True):
    """Empty texts ask for nothing; what is searched for is in lower case."""

    search: str = ""
    status: str = ""
    service: str = ""
    middleware: str = ""
    order: str = "name"
    descending: bool = False

    @property
    def needs_status(self) -> bool:
        return bool(self.status) or self.order == "status"

    def has_status(self, status: str) -> bool:
        return not self.status or status == self.status

    def finds(self, *texts: str) -> bool:
        """Whether one of them holds what is searched for."""
        return not self.search or any(self.search in text.lower() for text in texts)

    def leads_to(self, service: str) -> bool:
        """`service` is a router's, qualified; it is found by its bare name too."""
        if not self.service:
            return True
        return self.service == service or (
            "@" not in self.service and self.service == service.partition("@")[0]
        )

    def uses(self, middlewares: tuple[str, ...]) -> bool:
        return not self.middleware or self.middleware in middlewares


def selection(query: Mapping[str, str], orders: tuple[str, ...]) -> Selection:
    """What a query asks for; an order that there is not is that of names, as in Traefik."""
    order = query.get("sortBy", "")
    return Selection(
        search=query.get("search", "").lower(),
        status=query.get("status", "").lower(),
        service=query.get("serviceName", ""),
        middleware=query.get("middlewareName", ""),
        order=order if order in orders else "name",
        descending=query.get("direction", "") not in ("", "asc"),
    )
