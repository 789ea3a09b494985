"""The address of the client that sends the current request, to limit failed logins and to name authors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address

from flask import request

from proxy.admin.current_worker import runtime
from proxy.downstream.trusted_peers import TrustedPeers
from proxy.routing.request_attributes import headers

ORIGIN = "rondpoint.origin"
"""The key of the WSGI environment that has the request and its client as the data path knows them."""

# An address in X-Forwarded-For may have a port (RFC 7239 §6): 192.0.2.1:80, [2001:db8::1]:80.
_ADDRESS = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([^:]*):[0-9]+|(.*)")


def client_address() -> str:
    """Return the address of the client; behind trusted proxies it is the last one that is none of theirs.

    Only networks in the settings make a proxy trusted here. With `forwardedHeaders.insecure`, and on the
    loopback address, anybody can send any X-Forwarded-For, and so would never have to wait.
    """
    peer = request.remote_addr or ""
    if ORIGIN not in request.environ:
        return peer
    given, client = request.environ[ORIGIN]
    options = runtime().settings.entry_points[client.entry_point].forwarded_headers
    if options.insecure or not options.trusted_ips or not peer:
        return peer
    forwarded = [
        text.strip() for line in headers(given, client).get("x-forwarded-for", ()) for text in line.split(",")
    ]
    return resolve_address(peer, forwarded, TrustedPeers(networks=options.trusted_ips))


def resolve_address(peer: str, forwarded: Sequence[str], trusted: TrustedPeers) -> str:
    """Return the last address of X-Forwarded-For and the peer's, in this order, that is not trusted.

    What a client has sent stands before its own address, and is never looked at. If all addresses are
    trusted, it is the first; if a trusted proxy has sent no address, it is that proxy's.
    """
    address = peer
    for text in reversed(forwarded):
        if not trusted.includes(address):
            break
        found = _ADDRESS.fullmatch(text)
        candidate = "" if found is None else found[1] or found[2] or found[3] or ""
        try:
            ip_address(candidate)
        except ValueError:
            break
        address = candidate
    return address
