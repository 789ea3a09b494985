"""Routers without `tls` of their own get the certificates resolver of their entry point."""

from __future__ import annotations

from typing import Any

import pytest

from discovery.merging.entry_point_tls import EntryPointTls, TlsForRouters, tls_for_routers
from discovery.merging.merge import merge
from rondpoint.model import Configuration, Router, Service
from rondpoint.rules import v3
from rondpoint.settings import CertificatesResolver, EntryPoint, ResolverOptions, Settings
from rondpoint.settings.tree.certificates_resolvers import TlsChallenge
from rondpoint.settings.tree.entry_point_http import HttpOptions, HttpTls
from rondpoint.tls.model import TlsDomain, TlsOptions

DOMAIN = TlsDomain("a.test", ("b.test",))
TLS = {
    "secure": EntryPointTls(resolver="le"),
    "named": EntryPointTls(resolver="other", domains=(DOMAIN,)),
    "strict": EntryPointTls("strict@file"),
}


def router(rule: str = "Host(`a.test`)", **fields: Any) -> Router:
    return Router("r@file", v3.parse(rule), "s@file", 10, **fields)


CASES: dict[str, tuple[Router, str, tuple[TlsDomain, ...]]] = {
    "on it": (router(entry_points=("secure",)), "le", ()),
    "by default": (router(), "le", ()),
    "with domains": (router(entry_points=("named",)), "other", (DOMAIN,)),
    "on several": (router(entry_points=("web", "strict", "named", "secure")), "other", (DOMAIN,)),
    "elsewhere": (router(entry_points=("web", "strict")), "", ()),
    "tls of its own": (router(entry_points=("secure",), tls=True), "", ()),
    "a resolver of its own": (router(entry_points=("secure",), tls=True, cert_resolver="x"), "x", ()),
    "a child": (router(entry_points=("secure",), parents=("p@file",)), "", ()),
    "no host": (router("PathPrefix(`/`)", entry_points=("secure",)), "", ()),
    "no host, with domains": (router("PathPrefix(`/`)", entry_points=("named",)), "other", (DOMAIN,)),
}


@pytest.mark.parametrize(("given", "resolver", "domains"), CASES.values(), ids=CASES)
def test_a_router_has_the_resolver_of_its_first_entry_point_that_has_one(
    given: Router, resolver: str, domains: tuple[TlsDomain, ...]
) -> None:
    (found,) = TlsForRouters(TLS, ("web", "secure")).add_resolvers({given.name: given}).values()
    assert (found.cert_resolver, found.tls_domains, found.tls) == (resolver, domains, given.tls)


def test_an_unchanged_router_stays_the_same_object() -> None:
    tls = TlsForRouters(TLS)
    first, second = router(entry_points=("secure",)), router("Host(`b.test`)", entry_points=("secure",))
    once = tls.add_resolvers({"r@file": first})["r@file"]
    assert tls.add_resolvers({"r@file": first})["r@file"] is once
    assert tls.add_resolvers({"r@file": second})["r@file"].rule == second.rule
    assert tls.add_resolvers({}) == {}


def test_the_settings_name_resolvers_and_options() -> None:
    def point(port: int, **tls: Any) -> EntryPoint:
        return EntryPoint(address=f":{port}", http=HttpOptions(tls=HttpTls(**tls)))

    resolver = ResolverOptions(tls_challenge=TlsChallenge())
    settings = Settings(
        entry_points={
            "traefik": EntryPoint(address=":8080"),
            "web": EntryPoint(address=":80"),
            "secure": point(443, cert_resolver="le", domains=[{"main": "a.test"}]),
            "unknown": point(444, cert_resolver="el", options="strict@file"),
        },
        certificates_resolvers={"le": CertificatesResolver(acme=resolver)},
    )
    tls = tls_for_routers(settings)
    found = tls.add_resolvers({"r@file": router()})["r@file"]
    assert (found.cert_resolver, found.tls_domains) == ("le", (TlsDomain("a.test"),))
    elsewhere = router(entry_points=("unknown",))
    assert tls.add_resolvers({"r@file": elsewhere}) == {"r@file": elsewhere}
    (fault,) = tls.unknown_options({})
    assert fault.subject == "entryPoints.unknown.http.tls.options"
    assert list(tls.unknown_options({"strict@file": TlsOptions("strict@file")})) == []


@pytest.mark.parametrize("options", ["", "default", "default@file", "strict"])
def test_default_options_and_those_of_any_provider_are_not_reported(options: str) -> None:
    assert list(TlsForRouters({"web": EntryPointTls(options)}).unknown_options({})) == []


def test_merging_applies_what_entry_points_say() -> None:
    configuration = Configuration(
        routers={"r@file": router(entry_points=("secure",))}, services={"s@file": Service("s@file")}
    )
    merged = merge({"file": configuration}, {"secure", "strict"}, TlsForRouters(TLS))
    assert merged.routers["r@file"].cert_resolver == "le"
    assert [each.subject for each in merged.diagnostics] == ["entryPoints.strict.http.tls.options"]
