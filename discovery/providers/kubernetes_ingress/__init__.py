"""The provider for Ingresses of Kubernetes, with the annotations of Traefik 3 and Traefik 1."""

from discovery.providers.kubernetes_ingress.provider import KubernetesIngressProvider

__all__ = ["KubernetesIngressProvider"]
