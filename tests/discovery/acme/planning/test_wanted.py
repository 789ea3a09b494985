"""Tests of the certificates that a configuration wants."""

import pytest
from msgspec.structs import replace

from discovery.acme.planning.wanted import WantedCertificates
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Severity
from rondpoint.model import Router
from rondpoint.rules.expression import And, Expression, Match, Not, Or, Rule
from rondpoint.rules.tcp import parse as parse_tcp
from rondpoint.settings.tree.certificates_resolvers import DnsChallenge, ResolverOptions, TlsChallenge
from rondpoint.settings.tree.section import replace as replace_values
from rondpoint.tcp.model import TcpRouter
from rondpoint.tls.model import Certificate, CertificateRequest, TlsDomain

RESOLVERS = {
    "le": ResolverOptions(tls_challenge=TlsChallenge()),
    "dns": ResolverOptions(dns_challenge=DnsChallenge(provider="exec")),
    "idle": ResolverOptions(),
}
NOW = 1000.0


def host(*names: str) -> Expression:
    return Match("Host", names)


def router(name: str, expression: Expression, resolver: str = "le", *domains: TlsDomain) -> Router:
    qualified = f"{name}@file"
    rule = Rule(str(expression), expression)
    return Router(qualified, rule, "s@file", 1, tls=True, cert_resolver=resolver, tls_domains=domains)


def configuration(*routers: Router, certificates: tuple[Certificate, ...] = ()) -> Configuration:
    return Configuration(
        {each.name: each for each in routers}, certificates={each.name: each for each in certificates}
    )


def names(*routers: Router, certificates: tuple[Certificate, ...] = ()) -> list[tuple[str, tuple[str, ...]]]:
    """Return resolver and names of each wanted certificate."""
    wanted, _ = WantedCertificates(RESOLVERS).find(configuration(*routers, certificates=certificates), NOW)
    return [(each.resolver, each.domain.names) for each in wanted]


@pytest.mark.parametrize(
    ("routers", "expected"),
    [
        ([router("a", host("a.test"))], [("le", ("a.test",))]),
        ([router("a", host("A.test", "b.test", "a.test"))], [("le", ("a.test", "b.test"))]),
        (
            [router("a", Or((host("b.test"), And((host("a.test"), Match("Path", ("/",)))))))],
            [("le", ("b.test", "a.test"))],
        ),
        ([router("a", host("a.test"), "")], []),
        ([router("a", host("a.test"), "idle")], []),
        # Domains replace the hosts of the rule.
        (
            [router("a", host("a.test"), "le", TlsDomain("c.test", ("d.test",)), TlsDomain("e.test"))],
            [("le", ("c.test", "d.test")), ("le", ("e.test",))],
        ),
        # One order for several routers, and none for what another order covers, whatever the order.
        ([router("a", host("a.test")), router("b", host("a.test"))], [("le", ("a.test",))]),
        (
            [router("a", host("a.test")), router("b", host("b.test", "a.test"))],
            [("le", ("b.test", "a.test"))],
        ),
        (
            [
                router("a", host("x.w.test")),
                router("b", host("q.test"), "dns", TlsDomain("w.test", ("*.w.test",))),
            ],
            [("dns", ("w.test", "*.w.test"))],
        ),
        (
            [router("a", host("a.test", "b.test")), router("b", host("b.test", "c.test"))],
            [("le", ("a.test", "b.test")), ("le", ("b.test", "c.test"))],
        ),
    ],
)
def test_routers_want_certificates_for_their_hosts_or_domains(
    routers: list[Router], expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert sorted(names(*routers)) == sorted(expected)
    assert names(*routers) == names(*reversed(routers))


@pytest.mark.parametrize(
    ("covered", "not_after", "expected"),
    [
        (("a.test",), NOW + 1, []),
        (("*.test",), NOW + 1, []),
        (("a.test",), NOW - 1, ["a.test"]),
        (("b.test",), NOW + 1, ["a.test"]),
    ],
)
def test_names_that_another_certificate_covers_are_not_ordered(
    covered: tuple[str, ...], not_after: float, expected: list[str]
) -> None:
    other = Certificate("0@file", "", "", covered, not_after=not_after)
    found = names(router("a", host("a.test")), certificates=(other,))
    assert [name for _, names in found for name in names] == expected


@pytest.mark.parametrize(
    ("one", "severity", "text"),
    [
        (router("a", host("a.test"), "la"), Severity.ERROR, "there is no certificates resolver 'la'"),
        (router("a", Match("Path", ("/",))), Severity.WARNING, "the rule has no Host"),
        (router("a", host("localhost", "b.test")), Severity.WARNING, "'localhost': it has no dot"),
        (router("a", host("a_b.test", "b.test")), Severity.WARNING, "'a_b.test'"),
        (router("a", host("q"), "le", TlsDomain("*.b.test", ("b.test",))), Severity.WARNING, "dnsChallenge"),
    ],
)
def test_what_cannot_be_ordered_is_reported_with_its_router(
    one: Router, severity: Severity, text: str
) -> None:
    wanted, (diagnostic,) = WantedCertificates(RESOLVERS).find(configuration(one), NOW)
    assert (diagnostic.severity, diagnostic.source, diagnostic.subject) == (severity, "file", "router a@file")
    assert text in diagnostic.message
    assert diagnostic.hint
    # The other names of the same certificate are ordered.
    assert [each.domain.names for each in wanted] in ([], [("b.test",)])
    assert bool(wanted) == ("is ordered for" in diagnostic.message)


def test_settings_want_certificates_without_a_router() -> None:
    resolvers = {"acme": replace_domains(RESOLVERS["le"], TlsDomain("a.test", ("b.test",)))}
    (wanted,), diagnostics = WantedCertificates(resolvers).find(Configuration(), NOW)
    assert (wanted.domain.names, wanted.subject) == (("a.test", "b.test"), "certificatesResolvers.acme")
    assert not diagnostics


def replace_domains(options: ResolverOptions, *domains: TlsDomain) -> ResolverOptions:
    return replace_values(options, domains=domains)


@pytest.mark.parametrize(("resolver", "expected"), [("le", ["a.test"]), ("la", [])])
def test_a_default_certificate_may_be_wanted(resolver: str, expected: list[str]) -> None:
    request = CertificateRequest(resolver, TlsDomain("a.test"))
    wanted, diagnostics = WantedCertificates(RESOLVERS).find(Configuration(default_certificate=request), NOW)
    assert [each.domain.main for each in wanted] == expected
    assert [each.subject for each in diagnostics] == (
        [] if expected else ["tls.stores.default.defaultGeneratedCert"]
    )


def test_a_changed_router_is_read_again() -> None:
    finder = WantedCertificates(RESOLVERS)
    first = router("a", host("a.test"))
    second = replace(first, rule=Rule("other", Not(host("b.test"))))
    found = [finder.find(configuration(each), NOW)[0][0].domain.main for each in (first, first, second)]
    assert found == ["a.test", "a.test", "b.test"]


def tcp_router(name: str, rule: str, *domains: TlsDomain) -> TcpRouter:
    qualified = f"{name}@file"
    parsed = parse_tcp(rule)
    return TcpRouter(qualified, parsed, "s@file", 1, tls=True, cert_resolver="dns", tls_domains=domains)


@pytest.mark.parametrize(
    ("router", "expected"),
    [
        (tcp_router("a", "HostSNI(`A.test`) || HostSNI(`*.b.test`)"), ("a.test", "*.b.test")),
        (tcp_router("a", "HostSNI(`*`) || HostSNI(`a.test`)"), ("a.test",)),
        (tcp_router("a", "HostSNI(`*`)", TlsDomain("c.test")), ("c.test",)),
    ],
)
def test_tcp_routers_want_certificates_for_their_server_names(
    router: TcpRouter, expected: tuple[str, ...]
) -> None:
    given = Configuration(tcp_routers={router.name: router})
    wanted, diagnostics = WantedCertificates(RESOLVERS).find(given, NOW)
    assert [each.domain.names for each in wanted] == [expected]
    assert (wanted[0].subject, diagnostics) == ("TCP router a@file", ())


def test_a_tcp_router_without_a_name_gets_a_warning_and_keeps_apart_from_http() -> None:
    tcp = tcp_router("a", "HostSNI(`*`)")
    given = Configuration({"a@file": router("a", host("a.test"))}, tcp_routers={"a@file": tcp})
    planner = WantedCertificates(RESOLVERS)
    for _ in range(2):
        wanted, (warning,) = planner.find(given, NOW)
        assert [each.domain.names for each in wanted] == [("a.test",)]
        assert warning.message == "'dns' obtains no certificate: the rule has no HostSNI with a name"
