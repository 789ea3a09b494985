"""Certificates and TLS options in the merged configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.merging.entry_point_tls import EntryPointTls, ResolverDefaults, entry_point_tls
from discovery.merging.merge import merge
from discovery.merging.union import unite
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router, Server, Service
from rondpoint.rules import v3
from rondpoint.settings import load
from rondpoint.tls.model import Certificate, CertificateRequest, TlsDomain, TlsOptions

STAR = v3.parse("PathPrefix(`/`)")
SERVICE = Service("s@file", (Server("s", "10.0.0.1", 80),))


def router(name: str, rule: str, options: str = "", **fields: Any) -> Router:
    parsed = v3.parse(rule)
    return Router(name, parsed, "s@file", len(rule), tls=True, tls_options=options, **fields)


def merged(*objects: Any, **more: Configuration) -> Configuration:
    sections: dict[str, dict[str, Any]] = {"services": {"s@file": SERVICE}}
    kinds = {Router: "routers", TlsOptions: "tls_options", Certificate: "certificates"}
    for each in objects:
        sections.setdefault(kinds[type(each)], {})[each.name] = each
    return merge({"file": Configuration(**sections), **more}, {"web", "other"})


def told(found: Configuration) -> list[tuple[Severity, str, str, str]]:
    return [(each.severity, each.source, each.subject, each.message) for each in found.diagnostics]


STRICT = TlsOptions("strict@file", sni_strict=True)
MUTUAL = TlsOptions("mutual@file", client_auth="RequireAnyClientCert")
BROKEN = TlsOptions("broken@file", unserved="sniStrict is not valid")


def test_options_that_routers_name_are_published() -> None:
    found = merged(
        STRICT, router("a@file", "Host(`a.test`)", "strict@file"), router("b@file", "Host(`b.test`)")
    )
    assert found.tls_options == {"strict@file": STRICT}
    assert found.diagnostics == ()


FAULTS: dict[str, tuple[tuple[Any, ...], str, str]] = {
    "default options with a provider": (
        (TlsOptions("default@file"), router("a@file", "Host(`a.test`)", "default@file")),
        "TLS options 'default@file' do not exist, so clients of its hosts are refused",
        "write default: these options belong to no provider",
    ),
    "unknown options": (
        (STRICT, router("a@file", "Host(`a.test`)", "strct@file")),
        "TLS options 'strct@file' do not exist, so clients of its hosts are refused",
        "did you mean 'strict@file'?",
    ),
    "broken options": (
        (BROKEN, router("a@file", "Host(`a.test`)", "broken@file")),
        "its TLS options broken@file cannot be used, so clients of its hosts are refused",
        "sniStrict is not valid",
    ),
    "no host": (
        (STRICT, router("a@file", "PathPrefix(`/`)", "strict@file")),
        "its TLS options strict@file have no effect, because its rule has no Host",
        "options count by the name that clients send in the handshake; name the hosts",
    ),
    "the same host with and without options": (
        (
            STRICT,
            router("a@file", "Host(`a.test`)", "strict@file"),
            router("b@file", "Host(`A.test`) && Path(`/b`)"),
        ),
        "host a.test gets the default TLS options on entry point other, because its routers name different "
        "ones: a@file (strict@file), b@file (default)",
        "name the same options on all routers of a host",
    ),
    "the same host with two options": (
        (
            STRICT,
            MUTUAL,
            router("a@file", "Host(`a.test`)", "strict@file", entry_points=("web",)),
            router("b@file", "Host(`a.test`) || Host(`b.test`)", "mutual@file"),
        ),
        "host a.test gets the default TLS options on entry point web, because its routers name different "
        "ones: a@file (strict@file), b@file (mutual@file)",
        "name the same options on all routers of a host",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_options_that_do_not_count_are_reported(case: str) -> None:
    objects, message, hint = FAULTS[case]
    found = merged(*objects)
    assert [(*each, found.diagnostics[0].hint) for each in told(found)] == [
        (Severity.ERROR, "file", "router a@file", message, hint)
    ]
    # The proxy closes the hosts of unknown options, so it needs to know the router.
    assert "a@file" in found.routers


NO_FAULTS: dict[str, tuple[Any, ...]] = {
    "other entry points": (
        router("a@file", "Host(`a.test`)", "strict@file", entry_points=("web",)),
        router("b@file", "Host(`a.test`)", entry_points=("other",)),
    ),
    "the same options": (
        router("a@file", "Host(`a.test`)", "strict@file"),
        router("b@file", "Host(`a.test`)", "strict@file"),
    ),
    "a child router": (
        router("a@file", "Host(`a.test`)", "strict@file"),
        Router("b@file", v3.parse("Host(`a.test`)"), "s@file", 1, parents=("a@file",)),
    ),
    "without TLS": (
        router("a@file", "Host(`a.test`)", "strict@file"),
        Router("b@file", v3.parse("Host(`a.test`)"), "s@file", 1),
    ),
}


@pytest.mark.parametrize("case", NO_FAULTS)
def test_options_that_count_are_not_reported(case: str) -> None:
    routers = NO_FAULTS[case]
    assert [each for each in told(merged(STRICT, *routers)) if "TLS options" in each[3]] == []


def default(provider: str, **options: Any) -> TlsOptions:
    return TlsOptions(f"default@{provider}", **options)


def keys(*options: TlsOptions) -> Configuration:
    return Configuration(tls_options={each.name: each for each in options})


def test_default_options_that_two_providers_define_differently_refuse_all_connections() -> None:
    found = merged(default("file", sni_strict=True), consul=keys(default("consul")))
    assert found.tls_options == {
        "default@consul": default("consul", unserved="consul, file define different default options")
    }
    message = "connections with them are refused, because several providers define them differently"
    assert told(found) == [
        (Severity.ERROR, provider, "TLS options default", message) for provider in ("consul", "file")
    ]


def test_default_options_that_two_providers_agree_on_count() -> None:
    found = merged(default("file", sni_strict=True), consul=keys(default("consul", sni_strict=True)))
    assert found.tls_options == {"default@consul": default("consul", sni_strict=True)}
    assert found.diagnostics == ()


def test_options_that_two_files_define_differently_refuse_all_connections() -> None:
    lax = TlsOptions("strict@file", client_authorities=("-----BEGIN CERTIFICATE-----",))
    parts = [Decoded(name, tls_options=(each,)) for name, each in (("b.yml", STRICT), ("a.yml", lax))]
    united = unite(parts, "file")
    assert united.tls_options["strict@file"].unserved == "a.yml and b.yml differ"
    (found,) = united.diagnostics
    assert found.message.startswith(
        "TLS options strict@file is defined differently in a.yml: sni_strict True"
    )
    assert found.message.endswith("connections with these options are refused")
    assert "BEGIN" not in found.message


def certificate(name: str, **fields: Any) -> Certificate:
    fields = {"chain": "C", "key": "K", "names": ("a.test",), "source": f"/{name}.pem", **fields}
    return Certificate(f"{name}@file", **fields)


def test_a_certificate_in_several_files_is_for_the_entry_points_of_all() -> None:
    given = [
        Decoded("b.yml", certificates=(certificate("1", entry_points=("b",), chain="CC", source="/b.pem"),)),
        Decoded("a.yml", certificates=(certificate("1", entry_points=("a",)),)),
    ]
    united = unite(given, "file")
    assert united.certificates == {"1@file": certificate("1", entry_points=("a", "b"), chain="CC")}
    assert united.diagnostics == ()


ENTRY_POINTS: dict[str, tuple[tuple[str, ...], tuple[str, ...] | None, list[tuple[Severity, str]]]] = {
    "all": ((), (), []),
    "known": (("web",), ("web",), []),
    "one unknown": (
        ("web", "x"),
        ("web",),
        [(Severity.WARNING, "entry point 'x' does not exist")],
    ),
    "all unknown": (
        ("x",),
        None,
        [
            (
                Severity.ERROR,
                "entry point 'x' does not exist and the certificate names no other, so it is left out",
            )
        ],
    ),
}


@pytest.mark.parametrize("case", ENTRY_POINTS)
def test_entry_points_of_certificates(case: str) -> None:
    given, expected, diagnostics = ENTRY_POINTS[case]
    found = merged(certificate("1", entry_points=given))
    assert [each.entry_points for each in found.certificates.values()] == (
        [] if expected is None else [expected]
    )
    assert [(each.severity, each.message) for each in found.diagnostics] == diagnostics
    assert all(each.subject == "certificate /1.pem" for each in found.diagnostics)


def test_the_first_default_certificate_counts() -> None:
    found = merged(
        certificate("1", default=True, source="/z.pem"), certificate("2", default=True), certificate("3")
    )
    assert set(found.certificates) == {"2@file", "3@file"}
    (told,) = found.diagnostics
    assert (told.subject, told.hint) == ("certificate /z.pem", "/2.pem is used; define only one")


def request(provider: str, resolver: str = "le") -> Certificate:
    names = ("a.test", "b.test")
    return Certificate(f"default-request@{provider}", "", "", names, resolver=resolver, default=True)


WANTED = CertificateRequest("le", TlsDomain("a.test", ("b.test",)))


def docker(*requests: Certificate) -> Configuration:
    return Configuration(certificates={each.name: each for each in requests})


REQUESTS: dict[str, tuple[Configuration, CertificateRequest | None, list[str]]] = {
    "one": (merged(request("file")), WANTED, []),
    "two that agree": (merged(request("file"), docker=docker(request("docker"))), WANTED, []),
    "two that differ": (
        merged(request("file", "other"), docker=docker(request("docker"))),
        WANTED,
        [
            "file: certificate default-request@file: the request for a default certificate has no effect "
            "(default-request@docker is used)"
        ],
    ),
    "beside a certificate": (
        merged(certificate("1", default=True), docker=docker(request("docker"))),
        None,
        [
            "docker: certificate default-request@docker: the request for a default certificate has no effect "
            "(/1.pem is the default certificate)"
        ],
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_requests_for_a_default_certificate_are_for_the_leader_alone(case: str) -> None:
    found, expected, diagnostics = REQUESTS[case]
    assert found.default_certificate == expected
    assert all(each.chain for each in found.certificates.values())
    assert list(map(str, found.diagnostics)) == diagnostics


def test_containers_that_request_different_default_certificates_get_none() -> None:
    parts = [Decoded(f"container {name}", certificates=(request("docker", name),)) for name in "ab"]
    united = unite(parts, "docker")
    assert united.certificates == {}
    (found,) = united.diagnostics
    assert isinstance(found, Diagnostic)
    assert "certificate default-request@docker is defined differently in container a" in found.message


TLS = EntryPointTls(
    ("web",),
    {"web": "", "secure": "strict", "mutual": "mutual@file", "lost": "lost@file", "broken": "broken@file"},
    {"mutual": ("le", ()), "secure": ("other", (TlsDomain("*.test"),))},
)


def with_entry_points(*routers: Router) -> list[Diagnostic]:
    objects = {each.name: each for each in (STRICT, MUTUAL, BROKEN)}
    configuration = Configuration({each.name: each for each in routers}, tls_options=objects)
    with_service = replace(configuration, services={"s@file": SERVICE})
    names = {"web", "secure", "mutual", "lost", "broken"}
    return list(merge({"file": with_service}, names, TLS).diagnostics)


def test_options_of_entry_points_that_do_not_exist_are_reported_once() -> None:
    plain = [
        Router(f"{n}@file", v3.parse(f"Host(`{n}.test`)"), "s@file", 1, ("lost", "broken")) for n in "ab"
    ]
    found = with_entry_points(*plain)
    assert [(each.source, each.subject, each.message) for each in found] == [
        (
            "settings",
            f"entryPoints.{name}.http.tls.options",
            f"TLS options '{name}@file' {fault}, so clients of routers without tls of their own are refused",
        )
        for name, fault in (("broken", "cannot be used (sniStrict is not valid)"), ("lost", "do not exist"))
    ]


DISPUTES: dict[str, tuple[tuple[Router, ...], list[str]]] = {
    "with the entry point's": (
        (
            router("a@file", "Host(`a.test`)", "strict@file", entry_points=("mutual",)),
            Router("b@file", v3.parse("Host(`a.test`)"), "s@file", 1, ("mutual",)),
        ),
        ["a@file (strict@file), b@file (mutual@file)"],
    ),
    "the same as the entry point's": (
        (
            router("a@file", "Host(`a.test`)", "strict@file", entry_points=("secure",)),
            Router("b@file", v3.parse("Host(`a.test`)"), "s@file", 1, ("secure",)),
        ),
        [],
    ),
    "own TLS without options": (
        (
            router("a@file", "Host(`a.test`)", entry_points=("secure",)),
            Router("b@file", v3.parse("Host(`a.test`)"), "s@file", 1, ("secure",)),
        ),
        ["a@file (default), b@file (strict@file)"],
    ),
}


@pytest.mark.parametrize("case", DISPUTES)
def test_routers_may_disagree_with_the_options_of_their_entry_point(case: str) -> None:
    routers, expected = DISPUTES[case]
    told = [each.message for each in with_entry_points(*routers) if each.source == "file"]
    assert [message.partition("different ones: ")[2] for message in told] == expected


RESOLVERS: dict[str, tuple[Router, tuple[str, tuple[TlsDomain, ...]]]] = {
    "none on its entry point": (Router("r@file", STAR, "s@file", 1), ("", ())),
    "the first of two": (Router("r@file", STAR, "s@file", 1, ("secure", "mutual")), ("le", ())),
    "one with domains": (Router("r@file", STAR, "s@file", 1, ("secure",)), ("other", (TlsDomain("*.test"),))),
    "own TLS": (Router("r@file", STAR, "s@file", 1, ("secure",), tls=True), ("", ())),
    "a child router": (Router("r@file", STAR, "s@file", 1, parents=("p@file",)), ("", ())),
}


@pytest.mark.parametrize("case", RESOLVERS)
def test_routers_without_tls_have_the_resolver_of_their_entry_point(case: str) -> None:
    given, expected = RESOLVERS[case]
    defaults = ResolverDefaults(TLS)
    configuration = Configuration({given.name: given})
    (found,) = defaults.apply(configuration).routers.values()
    assert (found.cert_resolver, found.tls_domains) == expected
    assert defaults.apply(configuration).routers[given.name] is found


def test_the_tls_of_entry_points_comes_from_the_settings() -> None:
    flags = [
        "--entryPoints.web.address=:80",
        "--entryPoints.web.asDefault=true",
        "--entryPoints.a.address=:443",
        "--entryPoints.a.http.tls.certResolver=le",
        "--entryPoints.a.http.tls.options=strict@file",
    ]
    tls = entry_point_tls(load(flags, {}, Path()).settings)
    assert tls == EntryPointTls(frozenset({"web"}), {"a": "strict@file"}, {"a": ("le", ())})
