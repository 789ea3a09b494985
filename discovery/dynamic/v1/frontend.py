"""Decodes the options of a Traefik 1 frontend as middlewares of its router.

Their order is that of Traefik 1.7, whatever the order in the source: see its `server_middlewares.go` and, for
middlewares directly before the servers, `server_configuration.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.v1.criterion import source_criterion
from discovery.dynamic.v1.translation import ServiceNaming, Translation
from rondpoint.model import Middleware

KeyedMiddleware = tuple[str, Middleware]
"""The key under which an option was written, and its middleware."""

_HEADERS = (
    *("allowedHosts", "hostsProxyHeaders", "SSLRedirect", "SSLTemporaryRedirect", "SSLHost", "SSLForceHost"),
    *("STSSeconds", "STSIncludeSubdomains", "STSPreload", "forceSTSHeader", "frameDeny", "isDevelopment"),
    *("customFrameOptionsValue", "contentTypeNosniff", "browserXSSFilter", "customBrowserXSSValue"),
    *("contentSecurityPolicy", "publicKey", "referrerPolicy"),
)
_HEADERS_BY_NAME = ("customRequestHeaders", "customResponseHeaders", "SSLProxyHeaders")
_NAMES = ("country", "province", "locality", "organization", "commonName", "serialNumber", "domainComponent")
_TLS = ("ca", "caOptional", "cert", "key", "insecureSkipVerify")


def read_middlewares(frontend: Section, router: str, service: ServiceNaming) -> tuple[KeyedMiddleware, ...]:
    """Read the middlewares of `router`, a qualified name, in order; `service` qualifies a backend's name.

    A middleware with invalid options is reported and unusable.
    """
    made = (
        *_error_pages(frontend),
        *_allow_list(frontend),
        *_redirect(frontend),
        *_headers(frontend),
        *_basic_auth(frontend),
        *_client_certificate(frontend),
    )
    found = [one.middleware(router, suffix, service) for suffix, one in made]
    found += _auth(frontend, router, service)
    found += [one.middleware(router, suffix, service) for suffix, one in _rate_limits(frontend)]
    return tuple(found)


NamedTranslations = Iterator[tuple[str, Translation]]
"""The suffixes of the middlewares' names, and their options."""


def _error_pages(frontend: Section) -> NamedTranslations:
    for name, section in frontend.sections("errors"):
        page = Translation("errors", section)
        page.take("status")
        page.take("backend", "service")
        page.take("query")
        section.finish()
        yield f"errors-{name}", page


def _allow_list(frontend: Section) -> NamedTranslations:
    section = frontend.section("whiteList")
    old = frontend.has("whitelistSourceRange")
    if section is None:
        if old:
            ranges = Translation("ipAllowList", frontend)
            ranges.take("whitelistSourceRange", "sourceRange")
            yield "ipAllowList", ranges
        return
    ranges = Translation("ipAllowList", section)
    ranges.take("sourceRange")
    if old and not ranges:
        ranges.take("whitelistSourceRange", "sourceRange", from_=frontend)
    if section.read("useXForwardedFor", values.boolean, False):
        # The address that the last proxy in front has seen; a client can forge all other addresses.
        ranges.put(1, "ipStrategy", "depth")
    section.finish()
    yield "ipAllowList", ranges


def _redirect(frontend: Section) -> NamedTranslations:
    section = frontend.section("redirect")
    if section is None:
        return
    to_entry_point = section.has("entryPoint")
    redirect = Translation("redirectEntryPoint" if to_entry_point else "redirectRegex", section)
    redirect.take("permanent")
    if to_entry_point:
        redirect.take("entryPoint")
        for name in ("regex", "replacement"):
            if section.has(name):
                at = section.report.at(section.key(name))
                section.report.warning(f"{at} has no effect together with redirect.entryPoint")
    else:
        redirect.take("regex")
        redirect.take("replacement")
    section.finish()
    yield "redirect", redirect


def _headers(frontend: Section) -> NamedTranslations:
    section = frontend.section("headers")
    if section is None:
        return
    headers = Translation("headers", section)
    for name in _HEADERS_BY_NAME:
        headers.take(name, read=values.texts_by_name)
    for name in _HEADERS:
        if str(section.raw(name)).strip().lower() not in ("false", "0", "f"):
            headers.take(name)
    section.finish()
    if headers:
        yield "headers", headers


def _basic_auth(frontend: Section) -> NamedTranslations:
    """Read `basicAuth`, the list of users in files of Traefik 1.6 and older."""
    if frontend.has("basicAuth") and frontend.raw("basicAuth") != []:
        users = Translation("basicAuth", frontend)
        users.take("basicAuth", "users")
        yield "users", users


def _client_certificate(frontend: Section) -> NamedTranslations:
    if frontend.has("passTLSCert") and frontend.read("passTLSCert", values.boolean, False):
        at = frontend.report.at(frontend.key("passTLSCert"))
        frontend.report.warning(
            f"{at} is not served",
            "in Traefik 1, servers get the entry point's own certificate; a serversTransport names one for "
            "them, and passTLSClientCert.pem passes on the client's",
        )
    section = frontend.section("passTLSClientCert")
    if section is None:
        return
    certificate = Translation("passTLSClientCert", section)
    certificate.take("pem")
    infos = section.section("infos")
    if infos is not None:
        for name in ("notAfter", "notBefore", "sans"):
            certificate.take(name, "info", name, from_=infos)
        for part in ("subject", "issuer"):
            names = infos.section(part)
            if names is not None:
                for name in _NAMES:
                    certificate.take(name, "info", part, name, from_=names)
                names.finish()
        infos.finish()
    section.finish()
    certificate.put(True, "traefik1Format")
    yield "passTLSClientCert", certificate


def _auth(frontend: Section, router: str, service: ServiceNaming) -> list[KeyedMiddleware]:
    """Read the first of basic, digest and forward; an unknown kind gives a middleware that denies all."""
    section = frontend.section("auth")
    if section is None:
        # The section has already reported a value in place of options.
        return [_deny_all(frontend.key("auth"), router)] if frontend.has("auth") else []
    kind = next((kind for kind in ("basic", "digest", "forward") if section.has(kind)), None)
    section.has("headerField")
    if kind is None:
        section.finish()
        if set(map(str.lower, section.names)) <= {"headerfield"}:
            return []
        at = section.report.at(section.path)
        section.report.error(f"{at} names no authentication method", "expected basic, digest or forward")
        return [_deny_all(section.path, router)]
    auth = Translation(f"{kind}Auth", section)
    if kind != "forward" and not isinstance(section.raw(kind), Mapping):
        auth.take(kind, "users")
    else:
        part = section.section(kind)
        if part is None:
            return [_deny_all(section.key(kind), router)]
        _take_auth(kind, auth, part)
    auth.take("headerField")
    section.finish()
    return [auth.middleware(router, f"{kind}Auth", service)]


def _take_auth(kind: str, auth: Translation, part: Section) -> None:
    if kind == "forward":
        for name in ("address", "trustForwardHeader", "authResponseHeaders"):
            auth.take(name, from_=part)
        tls = part.section("tls")
        if tls is not None:
            for name in _TLS:
                auth.take(name, "tls", name, from_=tls)
            tls.finish()
    else:
        for name in ("users", "usersFile", "removeHeader"):
            auth.take(name, from_=part)
    part.finish()


def _deny_all(key: str, router: str) -> KeyedMiddleware:
    bare, _, provider = router.rpartition("@")
    return key, Middleware(qualify(f"{bare}-auth", provider), "basicAuth", {}, unusable=True)


def _rate_limits(frontend: Section) -> NamedTranslations:
    section = frontend.section("rateLimit")
    if section is None:
        return
    counted = section.has("extractorFunc")
    for name, rate_set in section.sections("rateSet"):
        rate = Translation("rateLimit", rate_set)
        for option in ("period", "average", "burst"):
            rate.take(option)
        rate.take("extractorFunc", "sourceCriterion", from_=section, read=source_criterion)
        rate_set.finish()
        if counted:
            yield f"rateLimit-{name}", rate
    if not counted or not section.has("rateSet"):
        # As in Traefik 1.
        at = section.report.at(section.path)
        section.report.warning(f"{at} has no effect", "give extractorFunc and rateSet.NAME.average")
    section.finish()
