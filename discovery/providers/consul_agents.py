"""Fails over between several Consul agents, of which one at a time is followed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from discovery.consul import ClosedError, ConsulError, Endpoint, RefusedError
from discovery.providers.endpoint_rotation import EndpointRotation
from discovery.providers.errors import NotPermittedError, ProviderError


class ConsulAgents:
    """The Consul agents of one provider, in rotation; Consul's errors become ProviderErrors.

    `find` returns them as for EndpointRotation.
    """

    def __init__(self, provider: str, find: Callable[[], Sequence[Endpoint]]) -> None:
        self._rotation = EndpointRotation(provider, find)

    def follow(self, follow: Callable[[Endpoint], None], stop: threading.Event) -> None:
        """Call `follow`, which returns at `stop`, for one agent after the other.

        Raises ProviderError as EndpointRotation, and at once if the token is refused.
        """

        def follow_agent(endpoint: Endpoint) -> None:
            try:
                follow(endpoint)
            except ClosedError:
                if not stop.is_set():
                    raise
            except RefusedError as error:
                raise NotPermittedError(error.message, error.hint) from error
            except ConsulError as error:
                raise ProviderError(error.message, error.hint) from error

        self._rotation.follow(follow_agent, stop)
