"""The section `udp` of dynamic files."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from discovery.decoding.decoded import Decoded
from discovery.dynamic import decode
from rondpoint.model import Member
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService

GOOD = """
udp:
  routers:
    dns: {entryPoints: [dns], service: both}
    any: {service: dns@docker}
  services:
    dns: {loadBalancer: {servers: [{address: "10.0.0.2:53"}, {address: "[::1]:53"}]}}
    both: {weighted: {services: [{name: dns, weight: 2}, {name: other@docker}]}}
"""


def section(text: str) -> Decoded:
    tree: dict[str, Any] = yaml.safe_load(f"udp: {{{text}}}")
    return decode(tree, "file", "a.yml")


def test_all_options_are_decoded() -> None:
    found = decode(yaml.safe_load(GOOD), "file", "a.yml")
    assert found.diagnostics == ()
    assert found.udp_routers == (
        UdpRouter("dns@file", "both@file", ("dns",)),
        UdpRouter("any@file", "dns@docker"),
    )
    assert found.udp_services == (
        UdpService(
            "dns@file",
            (UdpServer("10.0.0.2:53", "10.0.0.2", 53), UdpServer("[::1]:53", "::1", 53)),
        ),
        UdpService("both@file", members=(Member("dns@file", 2), Member("other@docker"))),
    )


@pytest.mark.parametrize(
    "option", ["rule: HostSNI(`*`)", "middlewares: [lan]", "tls: {}", "middleware: [lan]"]
)
def test_a_router_with_an_option_that_would_guard_it_is_left_out(option: str) -> None:
    found = section(f"routers: {{r: {{service: s@x, {option}}}}}")
    assert found.udp_routers == ()
    (error,) = found.diagnostics
    assert error.message.endswith("is for HTTP and TCP routers, so the router is left out")


def test_other_unknown_options_are_warned_about() -> None:
    found = section("routers: {r: {service: s@x, entryPoint: [a]}}")
    assert [each.hint for each in found.diagnostics] == ["did you mean entryPoints?"]
    assert found.udp_routers == (UdpRouter("r@file", "s@x"),)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("routers: {r: {}}", ["udp.routers.r names no service"]),
        (
            "routers: {r: {service: s, entryPoints: {a: b}}}",
            ["udp.routers.r.entryPoints={'a': 'b'} is not valid"],
        ),
        (
            "routers: {r: {service: s}}, services: {s: {}}",
            [
                "udp.services.s has no servers",
                "udp.routers.r is left out, because its service s@file is left out",
            ],
        ),
    ],
)
def test_a_router_that_cannot_be_read_is_left_out(text: str, messages: list[str]) -> None:
    found = section(text)
    assert (found.udp_routers, [each.message for each in found.diagnostics]) == ((), messages)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("loadBalancer: {servers: []}, weighted: {services: []}", "it has several kinds"),
        ("weighted: {services: []}", "it names no services"),
        ("weighted: nope", "its weighted cannot be read"),
    ],
)
def test_a_service_that_cannot_be_read_takes_no_sessions(options: str, reason: str) -> None:
    found = section(f"services: {{s: {{{options}}}}}")
    assert [service.unserved for service in found.udp_services] == [reason]
