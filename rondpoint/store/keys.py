"""The names of the keys of one installation.

Each says its type, a colon and its contents: the reference page is made of that.
"""

from __future__ import annotations


class PublishedKeys:
    """Where one configuration is kept: the installation's, or one agent's part of it."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def _key(self, name: str) -> str:
        return self._prefix + name

    @property
    def leader(self) -> str:
        """String: the [lease](#agents) of who may write here: `TOKEN HOLDER`."""
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
    def diagnostics(self) -> str:
        """Hash: source (`docker`, `file`) → JSON array of `Diagnostic`."""
        return self._key("diagnostics")

    @property
    def changes(self) -> str:
        """Channel: one JSON `Change` per revision."""
        return self._key("changes")


class Keys(PublishedKeys):
    """All keys share one hash tag, so that Redis Cluster keeps them on one node and scripts may use them.

    `namespace` tells several installations in one Redis apart; ValueError when it is empty or holds a
    brace, which would cut the hash tag short.
    """

    def __init__(self, namespace: str = "default") -> None:
        if not namespace or "{" in namespace or "}" in namespace:
            raise ValueError(f"the Redis namespace {namespace!r} is empty or holds a brace")
        super().__init__(f"{{rondpoint:{namespace}}}:")

    @property
    def tickets(self) -> str:
        """Hash: service's name → tickets taken, an integer."""
        return self._key("tickets")

    @property
    def health(self) -> str:
        """Hash: URL of an ejected server → JSON `Ejection`."""
        return self._key("health")

    @property
    def ejections(self) -> str:
        """Channel: one JSON `EjectionNotice` when a server is ejected, or is back."""
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
        """String: the last TOKEN that was given to a holder of a lease, decimal."""
        return self._key("fence")

    @property
    def parts(self) -> str:
        """Set: names of the agents that have a [part](#parts)."""
        return self._key("parts")

    def part(self, agent: str) -> PublishedKeys:
        """Where the agent of this name keeps what it contributes."""
        return PublishedKeys(self._key(f"part:{agent}:"))

    @property
    def bell(self) -> str:
        """Channel: a lease was given back, or there is another part; what it says is for people."""
        return self._key("bell")

    def metrics(self, worker: str) -> str:
        """Hash: router's name → JSON `Counts` of one worker or, under the name of a proxy (`INSTANCE`), of
        all its workers that are gone.
        """
        return self._key(f"metrics:{worker}")

    def server_metrics(self, worker: str) -> str:
        """Hash: service's name, a space and a server's URL → JSON `ServerCounts`, of one worker or of those
        that are gone, likewise.
        """
        return self._key(f"metrics:{worker}:servers")

    @property
    def admin(self) -> str:
        """Hash: `PROVIDER/SECTION/NAME` → JSON `StoredObject`; `version` → number of the last change, decimal."""
        return self._key("admin")

    @property
    def admin_history(self) -> str:
        """List: JSON `HistoryEntry`, the newest first; 100 of them."""
        return self._key("admin:history")

    @property
    def admin_proposals(self) -> str:
        """List: JSON `Proposal`, the oldest first."""
        return self._key("admin:proposals")

    def admin_verdict(self, proposal: str) -> str:
        """List: one JSON `ProposalResult`."""
        return self._key(f"admin:verdict:{proposal}")

    @property
    def admin_changes(self) -> str:
        """Channel: the version of each change of what the API defines."""
        return self._key("admin:changes")
