"""The provider kubernetescrd: reads routes from custom resources of Traefik in Kubernetes."""
