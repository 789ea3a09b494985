"""The names of the keys of one installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys share one hash tag, so that Redis Cluster keeps them on one node and scripts may use them.

    `namespace` tells several installations in one Redis apart; ValueError when it is empty or holds a
    brace, which would cut the hash tag short.
    """

    namespace: str = "default"

    def __post_init__(self) -> None:
        if not self.namespace or "{" in self.namespace or "}" in self.namespace:
            raise ValueError(f"the Redis namespace {self.namespace!r} is empty or holds a brace")

    def _key(self, part: str) -> str:
        return f"{{rondpoint:{self.namespace}}}:{part}"

    @property
    def revision(self) -> str:
        """String: the number of the last published configuration."""
        return self._key("revision")

    @property
    def routers(self) -> str:
        """Hash: name → JSON `Router`."""
        return self._key("routers")

    @property
    def services(self) -> str:
        """Hash: name → JSON `Service`."""
        return self._key("services")

    @property
    def middlewares(self) -> str:
        """Hash: name → JSON `Middleware`."""
        return self._key("middlewares")

    @property
    def diagnostics(self) -> str:
        """Hash: source → JSON array of `Diagnostic`."""
        return self._key("diagnostics")

    @property
    def tickets(self) -> str:
        """Hash: service name → the number of tickets taken."""
        return self._key("tickets")

    @property
    def health(self) -> str:
        return self._key("health")

    @property
    def agents(self) -> str:
        """Hash: agent name → JSON `AgentStatus`."""
        return self._key("agents")

    @property
    def workers(self) -> str:
        """Hash: worker's name → JSON `WorkerStatus`."""
        return self._key("workers")

    def metrics(self, worker: str) -> str:
        """Hash: router's name → JSON `Counts`, of one worker (`HOST:PID`), or of an instance's dead."""
        return self._key(f"metrics:{worker}")

    @property
    def admin(self) -> str:
        """Hash: what the API defines, field by field, and the version of all."""
        return self._key("admin")

    @property
    def admin_history(self) -> str:
        """List: JSON `Entry`, the newest first."""
        return self._key("admin:history")

    @property
    def admin_proposals(self) -> str:
        """List: JSON `Proposal`, the oldest first."""
        return self._key("admin:proposals")

    def admin_verdict(self, proposal: str) -> str:
        """List: one JSON `Verdict`."""
        return self._key(f"admin:verdict:{proposal}")

    @property
    def admin_changes(self) -> str:
        """Channel: the version of each change of what the API defines."""
        return self._key("admin:changes")

    @property
    def changes(self) -> str:
        """Channel: one JSON `Change` per revision."""
        return self._key("changes")
