"""Parameters of controllers, which a Gateway may refer to; this controller has none."""

from __future__ import annotations

from discovery.kubernetes.client import Object
from discovery.providers.kubernetes_gateway.conditions import ACCEPTED, Condition


def parameters_fault(gateway: Object) -> Condition | None:
    """Return the condition of a Gateway that refers to parameters; None for others.

    This controller has no parameters, so it cannot serve such a Gateway as its author wants.
    """
    infrastructure = (gateway.get("spec") or {}).get("infrastructure") or {}
    reference = infrastructure.get("parametersRef")
    if not reference:
        return None
    kind = f"{reference.get('group')}/{reference.get('kind')}"
    return Condition(ACCEPTED, False, "InvalidParameters", f"parameters of kind {kind} are not supported")
