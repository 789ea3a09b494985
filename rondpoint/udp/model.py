"""The model of UDP: immutable values, like those of HTTP in `rondpoint.model`."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.host_and_port import join_host_port
from rondpoint.model import Member, ServerState


class UdpServer(Struct, frozen=True, omit_defaults=True, gc=False):
    """One server of a UDP service; `name` is unique in its service and stable over restarts of the proxy."""

    name: str
    host: str
    port: int
    state: ServerState = ServerState.UP

    @property
    def address(self) -> str:
        return join_host_port(self.host, self.port)


class UdpService(Struct, frozen=True, omit_defaults=True, gc=False):
    """A group of servers that share UDP sessions; `servers` are ordered by name.

    A service with `members` is composite: each session goes to one of them, in rotation by weight. `unserved`
    says why the service takes no sessions. A member without servers is passed over, unless it `refuses`: then
    it takes its share, and the datagrams are dropped.
    """

    name: str
    servers: tuple[UdpServer, ...] = ()
    members: tuple[Member, ...] = ()
    unserved: str = ""
    refuses: bool = False


class UdpRouter(Struct, frozen=True, omit_defaults=True, gc=False):
    """Sends all sessions of its entry points to `service`; UDP has no rules.

    Empty `entry_points` mean every entry point for UDP. Of several routers for one entry point, the one with
    the lower name serves.
    """

    name: str
    service: str
    entry_points: tuple[str, ...] = ()
