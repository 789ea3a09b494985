"""Parts of all Kubernetes providers: following a cluster, decoding changes, servers, secrets and statuses."""
