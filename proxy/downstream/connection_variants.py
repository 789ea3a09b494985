"""The classes of an entry point's connections, put together of what is asked of them and of nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from proxy.downstream.connection import Downstream, TrustedDownstream
from proxy.downstream.observed_connection import ObservedDownstream, ShownDownstream
from proxy.downstream.traced_connection import SampledDownstream, TracedDownstream

if TYPE_CHECKING:
    from proxy.downstream.observed_connection import Observation


def observed_form(observation: Observation, *, trusted: bool = False) -> type[ObservedDownstream]:
    """The class of clients' connections, or of those of trusted proxies."""
    return _form(observation.heads, observation.tracer is not None, trusted)


@cache
def _form(heads: bool, traced: bool, trusted: bool) -> type[ObservedDownstream]:
    asked = (ShownDownstream,) * heads + (TracedDownstream,) * traced or (ObservedDownstream,)
    base = TrustedDownstream if trusted else Downstream
    plainly = {"_read": base.next_request, "_told": base.forwarded}
    form: type[ObservedDownstream] = type("Observed", (*asked, base), plainly)
    if issubclass(form, TracedDownstream):
        form.of_sampled = type("Sampled", (SampledDownstream, form), {"of_others": form})
    return form
