"""The parts that an agent's Kubernetes providers share: watches of each cluster, and the leadership."""

from __future__ import annotations

import os
from functools import partial

from discovery.kubernetes.cluster import find_cluster
from discovery.kubernetes.shared_watches import SharedWatches
from discovery.leadership import Leadership, permanent
from rondpoint.settings.tree.kubernetes import KubernetesCluster


class Clusters:
    """The clusters that the providers of one agent read.

    Only an agent with the `leadership` writes to them.
    """

    def __init__(self, leadership: Leadership) -> None:
        self.leadership = leadership
        self._watches: dict[tuple[str, str, str], SharedWatches] = {}

    def watches(self, options: KubernetesCluster) -> SharedWatches:
        """Return the watches of the cluster that the options name; the same ones for the same options."""
        connection = options.endpoint, options.token, options.cert_auth_file_path
        if connection not in self._watches:
            self._watches[connection] = SharedWatches(partial(find_cluster, *connection, os.environ))
        return self._watches[connection]


def own_clusters() -> Clusters:
    """Return the clusters of a provider that shares nothing, in an agent that always leads."""
    return Clusters(permanent())
