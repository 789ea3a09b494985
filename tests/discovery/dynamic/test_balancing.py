"""Options of `loadBalancer` beside its servers, as labels (text) and files (numbers, lists) hold them."""

import pytest

from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.balancing import Balancing, read_balancing
from rondpoint.diagnostics import Diagnostic
from rondpoint.model import HealthCheck, PassiveHealthCheck, StickyCookie

READ: list[tuple[Tree, Balancing]] = [
    ({}, Balancing()),
    ({"STRATEGY": "P2C"}, Balancing(strategy="p2c")),
    ({"sticky": "true"}, Balancing(sticky=StickyCookie())),
    ({"sticky": "false"}, Balancing()),
    ({"sticky": {"cookie": "true"}}, Balancing(sticky=StickyCookie())),
    ({"sticky": {"cookie": {}}}, Balancing(sticky=StickyCookie())),
    (
        {
            "sticky": {
                "cookie": {
                    "name": "c",
                    "secure": "true",
                    "httponly": True,
                    "samesite": "Lax",
                    "maxage": "60",
                    "path": "/a",
                    "domain": "a.test",
                }
            }
        },
        Balancing(sticky=StickyCookie("c", True, True, "lax", 60, "/a", "a.test")),
    ),
    (
        {
            "healthCheck": {
                "path": "/up",
                "interval": "10s",
                "timeout": 3,
                "headers": {"X": "y"},
                "port": "81",
            }
        },
        Balancing(health_check=HealthCheck("/up", port=81, interval=10, timeout=3, headers={"X": "y"})),
    ),
    (
        {"healthcheck": {"method": "head", "status": "204", "followRedirects": "false", "mode": "grpc"}},
        Balancing(health_check=HealthCheck(method="HEAD", status=204, follow_redirects=False, mode="grpc")),
    ),
    ({"healthCheck": {"path": "up"}}, Balancing(health_check=HealthCheck("/up"))),
    ({"healthCheck": {}}, Balancing(health_check=HealthCheck())),
    ({"passiveHealthCheck": {}}, Balancing(passive_health_check=PassiveHealthCheck(10.0, 1))),
    (
        {"passivehealthcheck": {"failurewindow": "1m", "maxFailedAttempts": "3"}},
        Balancing(passive_health_check=PassiveHealthCheck(60.0, 3)),
    ),
    ({"responseForwarding": {"flushInterval": "1ms"}}, Balancing(flush_interval=0.001)),
    ({"serversTransport": "t"}, Balancing(servers_transport="t@docker")),
    ({"serversTransport": "t@file"}, Balancing(servers_transport="t@file")),
]


@pytest.mark.parametrize(("tree", "expected"), READ)
def test_options_are_read(tree: Tree, expected: Balancing) -> None:
    report = Report("docker", "container a")
    assert read_balancing(Section(tree, "lb", report), "docker") == expected
    assert all("has no effect" in item.hint for item in report.diagnostics), report.diagnostics


@pytest.mark.parametrize(
    ("tree", "place", "hint"),
    [
        ({"strategy": "random"}, "lb.strategy", "expected one of wrr, p2c"),
        ({"sticky": {"cookie": {"sameSite": "x"}}}, "lb.sticky.cookie.sameSite", "none, lax, strict"),
        ({"sticky": {"cookie": {"secur": "true"}}}, "lb.sticky.cookie.secur", "did you mean secure?"),
        ({"healthCheck": {"interval": "soon"}}, "lb.healthCheck.interval", "expected a duration"),
        ({"healthCheck": {"timeout": "0s"}}, "lb.healthCheck.timeout", "a duration above 0"),
        ({"healthCheck": {"method": "GET /"}}, "lb.healthCheck.method", "expected a method"),
        ({"healthCheck": {"hostname": "a\r\nb"}}, "lb.healthCheck.hostname", "expected a host name"),
        (
            {"healthCheck": {"headers": {"X": "a\r\nY: b"}}},
            "lb.healthCheck.headers",
            "a valid header value",
        ),
        ({"healthCheck": {"headers": {"X Y": "a"}}}, "lb.healthCheck.headers", "names of headers"),
        ({"healthCheck": {"headers": "X"}}, "lb.healthCheck.headers", "expected NAME:VALUE"),
        ({"passiveHealthCheck": {"failureWindow": 0}}, "lb.passiveHealthCheck.f", "a duration above 0"),
        ({"passiveHealthCheck": {"maxFailedAttempts": 0}}, "lb.passiveHealthCheck.m", "1 or more"),
        ({"passiveHealthCheck": {"attempts": 3}}, "lb.passiveHealthCheck.attempts", ""),
        ({"passiveHealthCheck": {"failureWindow": "1ms"}}, "lb.passiveHealthCheck.f", "100ms, the minimum"),
        ({"healthCheck": "/up"}, "lb.healthCheck", "expected options below it"),
    ],
)
def test_an_invalid_value_is_reported_and_its_default_is_used(tree: Tree, place: str, hint: str) -> None:
    report = Report("docker", "container a")
    read_balancing(Section(tree, "lb", report), "docker")
    told = [item for item in report.diagnostics if "has no effect" not in item.hint]
    assert len(told) == 1
    assert place in told[0].message
    assert hint in told[0].hint


@pytest.mark.parametrize(
    ("option", "least"),
    [("interval", "100ms"), ("unhealthyInterval", "100ms"), ("timeout", "10ms")],
)
def test_a_duration_that_is_too_short_is_reported_and_the_minimum_is_used(option: str, least: str) -> None:
    def read(written: str) -> tuple[HealthCheck | None, tuple[Diagnostic, ...]]:
        report = Report("docker", "container a")
        section = Section({"healthCheck": {option: written}}, "lb", report)
        return read_balancing(section, "docker").health_check, report.diagnostics

    check, told = read("1ns")
    enough, nothing = read(least)
    assert (check, nothing) == (enough, ())
    assert [(str(item.severity), item.message, item.hint) for item in told] == [
        ("warning", f'lb.healthCheck.{option}="1ns" is too short', f"{least}, the minimum, is used instead")
    ]


@pytest.mark.parametrize(
    ("path", "hint"),
    [("http://h/up", "not a complete URL"), ("/a b", "without blanks"), ("//[", "a path such as")],
)
def test_a_health_check_with_an_invalid_path_has_no_effect(path: str, hint: str) -> None:
    report = Report("docker", "container a")
    found = read_balancing(Section({"healthCheck": {"path": path}}, "lb", report), "docker")
    assert found.health_check is None
    why, effect = report.diagnostics
    assert "lb.healthCheck.path" in why.message
    assert hint in why.hint
    assert "lb.healthCheck has no effect" in effect.message
