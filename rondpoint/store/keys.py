"""The Redis keys of one installation.

Each docstring gives the type of the key, a colon and its contents. The reference page is generated from them.
"""

from __future__ import annotations


class PublishedKeys:
    """The keys of one stored configuration: the installation's, or the contribution of one agent."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _key(self, name: str) -> str:
        return self._prefix + name

    @property
    def leader(self) -> str:
        """String: the [lease](#agents) of the agent that may write here: `TOKEN HOLDER`."""
        return self._key("leader")

    @property
    def revision(self) -> str:
        """String: number of the last published configuration, decimal."""
        return self._key("revision")

    @property
    def routers(self) -> str:
        """Hash: router's name → JSON `Router`."""
        return self._key("routers")

    @property
    def services(self) -> str:
        """Hash: service's name → JSON `Service`."""
        return self._key("services")

    @property
    def middlewares(self) -> str:
        """Hash: middleware's name → JSON `Middleware`."""
        return self._key("middlewares")

    @property
    def tls_options(self) -> str:
        """Hash: name of TLS options → JSON `TlsOptions`."""
        return self._key("tls-options")

    @property
    def certificates(self) -> str:
        """Hash: certificate's name → JSON `Certificate`."""
        return self._key("certificates")

    @property
    def tcp_routers(self) -> str:
        """Hash: TCP router's name → JSON `TcpRouter`."""
        return self._key("tcp-routers")

    @property
    def tcp_services(self) -> str:
        """Hash: TCP service's name → JSON `TcpService`."""
        return self._key("tcp-services")

    @property
    def tcp_middlewares(self) -> str:
        """Hash: TCP middleware's name → JSON `Middleware`."""
        return self._key("tcp-middlewares")

    @property
    def udp_routers(self) -> str:
        """Hash: UDP router's name → JSON `UdpRouter`."""
        return self._key("udp-routers")

    @property
    def udp_services(self) -> str:
        """Hash: UDP service's name → JSON `UdpService`."""
        return self._key("udp-services")

    @property
    def diagnostics(self) -> str:
        """Hash: source (`docker`, `file`) → JSON array of `Diagnostic`."""
        return self._key("diagnostics")

    @property
    def changes(self) -> str:
        """Channel: one JSON `Change` per revision."""
        return self._key("changes")


class Keys(PublishedKeys):
    """All keys of an installation.

    They share one hash tag, so Redis Cluster keeps them on one node and scripts may use them together.
    `namespace` separates several installations in one Redis. Raises ValueError if it is empty or contains a
    brace, which would cut the hash tag short.
    """

    def __init__(self, namespace: str = "default") -> None:
        if not namespace or "{" in namespace or "}" in namespace:
            raise ValueError(f"the Redis namespace {namespace!r} is empty or holds a brace")
        super().__init__(f"{{rondpoint:{namespace}}}:")

    @property
    def tickets(self) -> str:
        """Hash: service's name, with `tcp:` or `udp:` before that of another protocol → tickets taken, an
        integer.
        """
        return self._key("tickets")

    def rate_limit(self, bucket: str) -> str:
        """String: the [theoretical arrival time](#rate-limits) of a bucket of a rate limit, in microseconds
        of Unix time, decimal; the name is a hash of middleware, router and source.
        """
        return self._key(f"rate-limit:{bucket}")

    def tls_tickets(self, period: str) -> str:
        """String: 80 random bytes, the keys that encrypt TLS session tickets in one period of 12 hours; the
        name is the number of periods since 1970.
        """
        return self._key(f"tls-tickets:{period}")

    def acme_challenge(self, name: str) -> str:
        """String: what proves a name to a certificate authority. `http-01 TOKEN`: the key authorization;
        `tls-alpn-01 NAME`: private key and certificate as PEM, sealed.
        """
        return self._key(f"acme:challenge:{name}")

    @property
    def acme_accounts(self) -> str:
        """Hash: resolver → JSON `AcmeAccount`."""
        return self._key("acme:accounts")

    @property
    def acme_certificates(self) -> str:
        """Hash: [certificate's id](#acmecertificate) → JSON `AcmeCertificate`."""
        return self._key("acme:certificates")

    @property
    def acme_orders(self) -> str:
        """Hash: [certificate's id](#acmecertificate) → JSON `AcmeOrder`."""
        return self._key("acme:orders")

    @property
    def acme_states(self) -> str:
        """Hash: [certificate's id](#acmecertificate) → JSON `AcmeState`."""
        return self._key("acme:states")

    @property
    def acme_outcomes(self) -> str:
        """Hash: `RESOLVER OUTCOME` → number of finished orders, an integer; `obtained` or what they failed
        by.
        """
        return self._key("acme:outcomes")

    @property
    def in_flight_leases(self) -> str:
        """Hash: worker → end of its lease of [slots](#in-flight-limits), in microseconds of Unix time."""
        return self._key("in-flight:leases")

    def in_flight_slots(self, pool: str) -> str:
        """Hash: worker → its leased [slots](#in-flight-limits), and until when its requests count as waiting,
        in microseconds of Unix time; the name is a hash of middleware, router and source.
        """
        return self._key(f"in-flight:slots:{pool}")

    @property
    def ejected(self) -> str:
        """Hash: URL of an ejected server, and maybe a service after a space → JSON `Ejection`."""
        return self._key("ejected")

    @property
    def ejections(self) -> str:
        """Channel: one JSON `EjectionNotice` when a server is ejected or available again."""
        return self._key("ejections")

    @property
    def agents(self) -> str:
        """Hash: agent → JSON `AgentStatus`."""
        return self._key("agents")

    @property
    def workers(self) -> str:
        """Hash: worker's name → JSON `WorkerStatus`."""
        return self._key("workers")

    @property
    def fence(self) -> str:
        """String: the last TOKEN given to a lease holder, decimal."""
        return self._key("fence")

    @property
    def contributions(self) -> str:
        """Set: names of the agents that have a [contribution](#contributions)."""
        return self._key("contributions")

    def contribution(self, agent: str) -> PublishedKeys:
        """Return the keys of this agent's contribution."""
        return PublishedKeys(self._key(f"contribution:{agent}:"))

    @property
    def wakeups(self) -> str:
        """Channel: a signal that a lease was released or a contribution added; its text is for people."""
        return self._key("wakeups")

    def metrics(self, worker: str) -> str:
        """Hash: router's name → JSON `Counts` of one worker or, under the name of a proxy (`INSTANCE`), of
        all its workers that have ended.
        """
        return self._key(f"metrics:{worker}")

    def server_metrics(self, worker: str) -> str:
        """Hash: service's name, a space and a server's URL → JSON `ServerCounts` of one worker or, likewise,
        of those that have ended.
        """
        return self._key(f"metrics:{worker}:servers")

    def connection_metrics(self, worker: str) -> str:
        """Hash: JSON array of protocol, router, service and server → JSON `ConnectionCounts` of one worker
        or, likewise, of those that have ended.
        """
        return self._key(f"metrics:{worker}:connections")

    @property
    def admin(self) -> str:
        """Hash: `PROVIDER/SECTION/NAME` → JSON `StoredObject`; `version` → number of the last change."""
        return self._key("admin")

    @property
    def admin_history(self) -> str:
        """List: JSON `HistoryEntry`, the newest first; 100 of them."""
        return self._key("admin:history")

    @property
    def admin_proposals(self) -> str:
        """List: JSON `Proposal`, the oldest first."""
        return self._key("admin:proposals")

    def admin_result(self, proposal: str) -> str:
        """List: one JSON `ProposalResult`."""
        return self._key(f"admin:result:{proposal}")

    @property
    def admin_changes(self) -> str:
        """Channel: the version of each change of the objects defined through the API."""
        return self._key("admin:changes")
