"""The classes of an entry point's connections, put together of what is asked of them and of nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from proxy.downstream.connection import ClientConnection, TrustedConnection
from proxy.downstream.observed_connection import HeadKeepingConnection, ObservedConnection
from proxy.downstream.traced_connection import SampledConnection, TracedConnection

if TYPE_CHECKING:
    from proxy.downstream.observed_connection import Observation


def observed_form(observation: Observation, *, trusted: bool = False) -> type[ObservedConnection]:
    """The class of clients' connections, or of those of trusted proxies."""
    return _form(observation.heads, observation.tracer is not None, trusted)


@cache
def _form(heads: bool, traced: bool, trusted: bool) -> type[ObservedConnection]:
    asked = (HeadKeepingConnection,) * heads + (TracedConnection,) * traced or (ObservedConnection,)
    base = TrustedConnection if trusted else ClientConnection
    plainly = {"_read": base.next_request, "_told": base.forwarded}
    form: type[ObservedConnection] = type("Observed", (*asked, base), plainly)
    if issubclass(form, TracedConnection):
        form.of_sampled = type("Sampled", (SampledConnection, form), {"of_others": form})
    return form
