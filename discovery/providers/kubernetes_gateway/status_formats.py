"""The statuses of GatewayClasses, Gateways and routes, as this controller writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from discovery.kubernetes.client import Object
from discovery.providers.kubernetes_gateway.attachments import Attachment
from discovery.providers.kubernetes_gateway.conditions import (
    ACCEPTED,
    PROGRAMMED,
    Condition,
    written_conditions,
)
from discovery.providers.kubernetes_gateway.listeners import Listener
from discovery.providers.kubernetes_gateway.parameters import parameters_fault
from discovery.providers.kubernetes_gateway.references import GROUP

FEATURES = (
    "GRPCRoute",
    "GRPCRouteNamedRouteRule",
    "GRPCRouteRequestHeaderModifier",
    "Gateway",
    "GatewayHTTPListenerIsolation",
    "GatewayPort8080",
    "HTTPRoute",
    "HTTPRoute303RedirectStatusCode",
    "HTTPRoute307RedirectStatusCode",
    "HTTPRoute308RedirectStatusCode",
    "HTTPRouteBackendProtocolH2C",
    "HTTPRouteBackendProtocolWebSocket",
    "HTTPRouteBackendRequestHeaderModification",
    "HTTPRouteBackendRequestRedirect",
    "HTTPRouteBackendTimeout",
    "HTTPRouteBackendURLRewrite",
    "HTTPRouteDestinationPortMatching",
    "HTTPRouteHostRewrite",
    "HTTPRouteMethodMatching",
    "HTTPRouteNamedRouteRule",
    "HTTPRouteParentRefPort",
    "HTTPRoutePathRedirect",
    "HTTPRoutePathRewrite",
    "HTTPRoutePortRedirect",
    "HTTPRouteQueryParamMatching",
    "HTTPRouteRequestMirror",
    "HTTPRouteRequestMultipleMirrors",
    "HTTPRouteRequestPercentageMirror",
    "HTTPRouteRequestTimeout",
    "HTTPRouteResponseHeaderModification",
    "HTTPRouteSchemeRedirect",
    "ReferenceGrant",
    "TLSRoute",
    "TLSRouteModeMixed",
    "TLSRouteModeTerminate",
)
"""The supported features by their names in the Gateway API, in alphabetical order."""

_CLASS_CONDITION = Condition(ACCEPTED, True, "Accepted", "Rondpoint serves this class")
_GATEWAY_CONDITIONS = (
    Condition(ACCEPTED, True, "Accepted", "all listeners are valid"),
    Condition(PROGRAMMED, True, "Programmed", "all listeners are served"),
)


def class_status(item: Object, now: str) -> dict[str, Any]:
    """Return the status of a GatewayClass of this controller."""
    before = item.get("status") or {}
    conditions = written_conditions(
        (_CLASS_CONDITION,), before.get("conditions") or (), _generation(item), now
    )
    return {**before, "conditions": conditions, "supportedFeatures": [{"name": name} for name in FEATURES]}


def gateway_status(
    item: Object,
    listeners: Iterable[Listener],
    attached: Mapping[str, int],
    addresses: Iterable[Mapping[str, str]],
    now: str,
) -> dict[str, Any]:
    """Return the status of a Gateway; `attached` counts the routes of its listeners by name."""
    before = item.get("status") or {}
    known = {each.get("name"): each for each in before.get("listeners") or ()}
    generation = _generation(item)
    written, valid, served = [], True, True
    for listener in listeners:
        valid &= listener.accepted
        served &= listener.serves
        old = known.get(listener.name, {}).get("conditions") or ()
        written.append(
            {
                "name": listener.name,
                "supportedKinds": [{"group": GROUP, "kind": kind} for kind in listener.kinds],
                "attachedRoutes": attached.get(listener.name, 0),
                "conditions": written_conditions(listener.conditions, old, generation, now),
            }
        )
    any_serves = any(listener.serves for listener in listeners)
    conditions = (
        parameters_fault(item)
        or (
            _GATEWAY_CONDITIONS[0]
            if valid and served
            else Condition(ACCEPTED, any_serves, "ListenersNotValid", "not all listeners are valid")
        ),
        _GATEWAY_CONDITIONS[1]
        if any_serves
        else Condition(PROGRAMMED, False, "Invalid", "no listener is served"),
    )
    written_addresses = [dict(address) for address in addresses]
    return {
        **before,
        **({"addresses": written_addresses} if written_addresses else {}),
        "conditions": written_conditions(conditions, before.get("conditions") or (), generation, now),
        "listeners": written,
    }


def route_status(
    item: Object, attachments: Iterable[Attachment], shared: Iterable[Condition], controller: str, now: str
) -> dict[str, Any]:
    """Return the status of a route: a part for each of its references, and the parts of other controllers.

    `shared` are conditions that hold for all of them.
    """
    before = (item.get("status") or {}).get("parents") or ()
    others = [parent for parent in before if parent.get("controllerName") != controller]
    own = [parent for parent in before if parent.get("controllerName") == controller]
    generation, shared = _generation(item), tuple(shared)
    written = []
    for attachment in attachments:
        reference = dict(attachment.reference)
        old: Mapping[str, Any] = next((each for each in own if each.get("parentRef") == reference), {})
        conditions = (attachment.condition, *shared)
        written.append(
            {
                "parentRef": reference,
                "controllerName": controller,
                "conditions": written_conditions(conditions, old.get("conditions") or (), generation, now),
            }
        )
    return {**(item.get("status") or {}), "parents": others + written}


def _generation(item: Object) -> int:
    return int(item["metadata"].get("generation") or 0)
