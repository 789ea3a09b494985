"""What the providers of Kubernetes share: following a cluster, decoding what changed, servers and secrets."""
