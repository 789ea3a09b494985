"""The resources that define something: Gateways and routes, in each version that a cluster may have."""

from __future__ import annotations

from discovery.kubernetes.resources import (
    ALPHA_TCP_ROUTES,
    ALPHA_UDP_ROUTES,
    GATEWAYS,
    GRPC_ROUTES,
    HTTP_ROUTES,
    TCP_ROUTES,
    TLS_ROUTES,
    UDP_ROUTES,
)

REQUIRED = (GATEWAYS, HTTP_ROUTES, GRPC_ROUTES)
OPTIONAL = (TLS_ROUTES,)
"""Clusters for HTTP alone need neither their definitions nor rights to them."""

EXPERIMENTAL = (TCP_ROUTES, UDP_ROUTES, ALPHA_TCP_ROUTES, ALPHA_UDP_ROUTES)
"""Those that the settings must allow. Up to version 1.5 of the Gateway API only the second versions exist."""

ROOTS = (*REQUIRED, *OPTIONAL, *EXPERIMENTAL)
