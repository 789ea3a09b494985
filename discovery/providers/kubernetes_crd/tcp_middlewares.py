"""Decodes MiddlewareTCPs, whose options are those of dynamic files."""

from __future__ import annotations

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.dynamic.middlewares import decode_middleware
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, object_name
from rondpoint.middlewares.schemas import TCP_SCHEMAS


def decode_middleware_tcp(manifest: Manifest) -> Decoded:
    """Decode a MiddlewareTCP."""
    bare = object_name(manifest.namespace, manifest.name)
    name = qualify(bare, PROVIDER)
    with manifest.report.about("TCP middleware", name):
        middleware = decode_middleware(bare, manifest.spec, PROVIDER, TCP_SCHEMAS)
    return Decoded(
        manifest.subject,
        diagnostics=manifest.report.diagnostics,
        keys={f"tcpMiddlewares.{name}": "spec"},
        tcp_middlewares=() if middleware is None else (middleware,),
    )
