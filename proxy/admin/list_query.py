"""Query parameters of object lists: the filters and sorting of Traefik 3's API."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

ROUTER_ORDERS = ("name", "provider", "priority", "status", "rule", "service", "entryPoints")
SERVICE_ORDERS = ("name", "type", "servers", "provider", "status")
MIDDLEWARE_ORDERS = ("name", "type", "provider", "status")
CERTIFICATE_ORDERS = ("name", "cn", "status", "issuer", "validUntil")


class ListQuery(Struct, frozen=True):
    """The filters and the order of a list; an empty filter matches everything. `search` is in lower case."""

    search: str = ""
    status: str = ""
    service: str = ""
    middleware: str = ""
    order: str = "name"
    descending: bool = False

    @property
    def needs_status(self) -> bool:
        return bool(self.status) or self.order == "status"

    def matches_status(self, status: str) -> bool:
        return not self.status or status == self.status

    def matches_search(self, *texts: str) -> bool:
        """Return whether one of the texts contains the search text."""
        return not self.search or any(self.search in text.lower() for text in texts)

    def leads_to(self, service: str) -> bool:
        """Return whether a router of `service`, a qualified name, matches; the filter may be unqualified."""
        if not self.service:
            return True
        return self.service == service or (
            "@" not in self.service and self.service == service.partition("@")[0]
        )

    def uses(self, middlewares: tuple[str, ...]) -> bool:
        return not self.middleware or self.middleware in middlewares


def parse_list_query(query: Mapping[str, str], orders: tuple[str, ...]) -> ListQuery:
    """Parse the query; an unknown `sortBy` sorts by name, as in Traefik."""
    order = query.get("sortBy", "")
    return ListQuery(
        search=query.get("search", "").lower(),
        status=query.get("status", "").lower(),
        service=query.get("serviceName", ""),
        middleware=query.get("middlewareName", ""),
        order=order if order in orders else "name",
        descending=query.get("direction", "") not in ("", "asc"),
    )
