"""The provider of Kubernetes' Gateway API: reads the routes of Gateways, for HTTP, gRPC, TLS, TCP and UDP."""

from discovery.providers.kubernetes_gateway.provider import KubernetesGatewayProvider

__all__ = ["KubernetesGatewayProvider"]
