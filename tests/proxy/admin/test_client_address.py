"""The address by which failed logins are limited."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from proxy.admin.client_address import resolve_address
from proxy.authentication.login_attempts import BURST
from proxy.downstream.trusted_peers import TrustedPeers
from rondpoint.internal_services import API
from rondpoint.model import Router, Service
from rondpoint.rules import v3
from tests.lab import http
from tests.proxy.running import Proxy, lone_proxy

TRUSTED = TrustedPeers(networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))

# The peer, its X-Forwarded-For, and the client.
ADDRESSES = [
    ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
    ("10.0.0.1", [], "10.0.0.1"),
    ("10.0.0.1", ["192.0.2.1"], "192.0.2.1"),
    ("10.0.0.1", ["198.51.100.1", "192.0.2.1"], "192.0.2.1"),
    ("10.0.0.1", ["198.51.100.1", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
    ("10.0.0.1", ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
    ("10.0.0.1", ["192.0.2.1", "unknown"], "10.0.0.1"),
    ("10.0.0.1", ["192.0.2.1", ""], "10.0.0.1"),
    ("10.0.0.1", ["192.0.2.1:1234"], "192.0.2.1"),
    ("10.0.0.1", ["[2001:db9::1]:1234", "2001:db8::1"], "2001:db9::1"),
    ("10.0.0.1", ["2001:db9::1"], "2001:db9::1"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), ADDRESSES)
def test_the_client_is_the_last_address_that_is_not_trusted(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert resolve_address(peer, forwarded, TRUSTED) == client


def guess(port: int, host: str, forwarded: str, number: int) -> int:
    headers = {"X-Forwarded-For": forwarded, "Authorization": f"Bearer {number}"}
    return http.request(port, host, "/api/version", headers=headers).status


def routed(proxy: Proxy) -> str:
    proxy.services[API] = Service(API)
    proxy.routers["api"] = Router("api", v3.parse("Host(`api.test`)"), API, 10)
    proxy.publish()
    return "api.test"


def test_clients_behind_a_trusted_proxy_wait_for_their_own_failures_only() -> None:
    with lone_proxy("--api.token=secret", "--entryPoints.web.forwardedHeaders.trustedIPs=127.0.0.1") as proxy:
        host = routed(proxy)
        for number in range(BURST):
            assert guess(proxy.web, host, "192.0.2.1", number) == 401
        assert guess(proxy.web, host, "192.0.2.1", 100) == 429
        assert guess(proxy.web, host, "192.0.2.2", 100) == 401
        # The proxy in front adds the client's address to what the client has sent.
        assert guess(proxy.web, host, "192.0.2.3, 192.0.2.1", 101) == 429


@pytest.mark.parametrize("flags", [(), ("--entryPoints.web.forwardedHeaders.insecure",)])
def test_nobody_escapes_the_wait_by_a_header(flags: tuple[str, ...]) -> None:
    with lone_proxy("--api.token=secret", *flags) as proxy:
        host = routed(proxy)
        for port, name in ((proxy.web, host), (proxy.admin, "localhost")):
            statuses = [guess(port, name, f"192.0.2.{number}", number) for number in range(BURST + 2)]
            assert statuses[-1] == 429
