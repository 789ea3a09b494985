"""The provider of Kubernetes' Gateway API: reads routes from Gateways, HTTPRoutes and GRPCRoutes."""

from discovery.providers.kubernetes_gateway.provider import KubernetesGatewayProvider

__all__ = ["KubernetesGatewayProvider"]
