"""Certificates, TLS options and servers transports take their contents from secrets."""

from typing import Any

import pytest

from discovery.certificates.reader import CertificateReader
from discovery.merging.union import unite
from discovery.providers.kubernetes_crd.decode import decode
from discovery.providers.kubernetes_crd.names import PROVIDER
from discovery.providers.kubernetes_crd.policy import Policy
from rondpoint.configuration import Configuration
from rondpoint.model import ClientCertificate
from rondpoint.tls.model import TlsDomain, TlsOptions
from tests.discovery.certificates.pairs import key_text, make_pair, private_key
from tests.discovery.providers.kubernetes_crd.manifests import KINDS, WHOAMI, Manifests, errors, texts
from tests.discovery.providers.kubernetes_crd.test_middlewares import secret

PAIR, OTHER = make_pair("a.test"), make_pair("b.test", serial=4712)
AUTHORITY = make_pair("ca.test").certificate
SECRETS = "---\n".join(
    (
        secret("a", {"tls.crt": PAIR.certificate, "tls.key": PAIR.key}, "kubernetes.io/tls"),
        secret("b", {"tls.crt": OTHER.certificate, "tls.key": OTHER.key}, "kubernetes.io/tls"),
        secret("mixed", {"tls.crt": PAIR.certificate, "tls.key": key_text(private_key(number=1))}),
        secret("half", {"tls.crt": PAIR.certificate}),
        secret("path", {"tls.crt": "/etc/agent.pem", "tls.key": "/etc/agent.key"}),
        secret("ca", {"ca.crt": AUTHORITY}),
        secret("only", {"anything": AUTHORITY}),
        "kind: ConfigMap\nmetadata: {name: bundle}\ndata:\n  ca.crt: |\n"
        + "".join(f"    {line}\n" for line in AUTHORITY.splitlines()),
        "kind: ConfigMap\nmetadata: {name: empty}\ndata: {}\n",
    )
)


def _seal(key: str) -> str:
    return f"sealed {len(key)}"


def completed(*documents: str, **policy: Any) -> Configuration:
    """Return the configuration with its certificates read, and their keys sealed by a mark."""
    cluster = Manifests(WHOAMI, SECRETS, *documents)
    reader = CertificateReader(PROVIDER, _seal)
    parts = [
        decode(Policy(**policy), _seal, kind, item, cluster)
        for (kind, _, _), item in cluster.objects.items()
        if kind in KINDS
    ]
    reader.refresh(parts)
    return unite(reader.completed, PROVIDER)


def route(tls: str) -> str:
    return f"""
kind: IngressRoute
metadata: {{name: web}}
spec:
  routes: [{{match: Host(`a.test`), services: [{{name: whoami, port: 80}}]}}]
  tls: {tls}
"""


def test_a_route_brings_the_certificate_of_its_secret_with_a_sealed_key() -> None:
    found = completed(route("{secretName: a}"))
    assert errors(found) == []
    [certificate] = found.certificates.values()
    assert certificate.names == ("a.test",)
    assert certificate.key == f"sealed {len(PAIR.key)}"


def test_routes_with_the_same_secret_share_its_certificate() -> None:
    other = route("{secretName: a}").replace("name: web", "name: other")
    assert len(completed(route("{secretName: a}"), other).certificates) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "spec.tls.secretName: the secret default/absent does not exist"),
        ("half", "spec.tls.secretName: the secret default/half has no tls.key in PEM"),
        ("path", "spec.tls.secretName: the secret default/path has no tls.crt and no tls.key in PEM"),
    ],
)
def test_a_route_without_its_certificate_is_served_with_another_one(name: str, message: str) -> None:
    found = completed(route(f"{{secretName: {name}}}"))
    assert [router.tls for router in found.routers.values()] == [True]
    assert not found.certificates
    assert f"{message}, so the certificate is left out" in errors(found), texts(found)


def test_a_key_of_another_certificate_is_reported() -> None:
    assert "secret default/mixed.keyFile" in texts(completed(route("{secretName: mixed}")))


def test_a_resolver_orders_certificates_for_domains() -> None:
    found = completed(route("{certResolver: le, domains: [{main: a.test, sans: [b.test]}]}"))
    [router] = found.routers.values()
    assert (router.cert_resolver, router.tls_domains) == ("le", (TlsDomain("a.test", ("b.test",)),))


STORE = "kind: TLSStore\nmetadata: {name: default}\nspec: "


def test_the_default_store_has_certificates() -> None:
    spec = "{defaultCertificate: {secretName: a}, certificates: [{secretName: b}]}"
    found = completed(STORE + spec)
    assert errors(found) == []
    assert {each.names: each.default for each in found.certificates.values()} == {
        ("a.test",): True,
        ("b.test",): False,
    }


def test_the_default_store_may_ask_for_a_certificate() -> None:
    spec = "{defaultGeneratedCert: {resolver: le, domain: {main: a.test, sans: [b.test]}}}"
    [request] = completed(STORE + spec).certificates.values()
    assert (request.resolver, request.names, request.chain) == ("le", ("a.test", "b.test"), "")


def test_the_other_certificates_of_a_store_do_not_need_one_that_is_missing() -> None:
    found = completed(STORE + "{certificates: [{secretName: absent}, {secretName: b}]}")
    assert [each.names for each in found.certificates.values()] == [("b.test",)]
    assert len(errors(found)) == 1


def test_another_store_is_left_out() -> None:
    store = STORE.replace("name: default", "name: other")
    found = completed(store + "{certificates: [{secretName: b}]}")
    assert not found.certificates
    assert errors(found) == ["it is left out, with its certificates"]


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "versions": (
        "minVersion: VersionTLS12, maxVersion: VersionTLS13",
        {"min_version": "VersionTLS12", "max_version": "VersionTLS13"},
    ),
    "cipher suites": (
        "cipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
        {"cipher_suites": ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",)},
    ),
    "curves": ("curvePreferences: [CurveP521]", {"curves": ("CurveP521",)}),
    "names that clients must send": ("sniStrict: true", {"sni_strict": True}),
    "protocols": ("alpnProtocols: [http/1.1]", {"alpn": ("http/1.1",)}),
    "no session tickets": ("disableSessionTickets: true", {"session_tickets": False}),
    "clients with a certificate": (
        "clientAuth: {secretNames: [ca], clientAuthType: RequireAndVerifyClientCert}",
        {"client_auth": "RequireAndVerifyClientCert", "client_authorities": (AUTHORITY,)},
    ),
    "clients with a certificate, by default": (
        "clientAuth: {secretNames: [ca]}",
        {"client_auth": "RequireAndVerifyClientCert"},
    ),
    "no client authentication": ("clientAuth: {}", {"client_auth": "NoClientCert"}),
}


def options(spec: str, name: str = "strict", *more: str) -> TlsOptions:
    found = completed(f"kind: TLSOption\nmetadata: {{name: {name}}}\nspec: {{{spec}}}", *more)
    [only] = found.tls_options.values()
    return only


@pytest.mark.parametrize(("spec", "expected"), OPTIONS.values(), ids=OPTIONS.keys())
def test_tls_options_have(spec: str, expected: dict[str, Any]) -> None:
    found = options(spec)
    assert (found.name, found.unserved) == ("default-strict@kubernetescrd", "")
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("clientAuth: {secretNames: [absent]}", "the secret default/absent does not exist"),
        ("clientAuth: {secretNames: [ca, absent]}", "the secret default/absent does not exist"),
        ("clientAuth: {secretNames: [path]}", "the secret default/path has no certificate in PEM"),
        ("clientAuth: {clientAuthType: RequireAndVerifyClientCert}", "clientAuthType is"),
        ("clientAuth: {caFiles: [/etc/ca.pem]}", "caFiles is unknown"),
        ("minVersion: TLS13", "minVersion is not valid"),
        ("sniStrct: true", "sniStrct is unknown"),
    ],
)
def test_tls_options_that_cannot_be_read_refuse_clients(spec: str, reason: str) -> None:
    assert options(spec).unserved.startswith(reason)


def test_the_default_options_belong_to_no_namespace() -> None:
    assert options("sniStrict: true", "default").name == "default@kubernetescrd"


def test_a_reference_to_the_default_options_needs_them() -> None:
    manifest = route("{options: {name: default}}")
    [router] = completed(manifest).routers.values()
    assert router.tls_options == "default-default@kubernetescrd"
    defined = "kind: TLSOption\nmetadata: {name: default}\nspec: {sniStrict: true}"
    [router] = completed(manifest, defined).routers.values()
    assert router.tls_options == ""


def test_default_options_of_two_namespaces_that_differ_refuse_clients() -> None:
    one = "kind: TLSOption\nmetadata: {name: default, namespace: one}\nspec: {sniStrict: true}"
    two = "kind: TLSOption\nmetadata: {name: default, namespace: two}\nspec: {}"
    [found] = completed(one, two).tls_options.values()
    assert found.unserved == "TLSOption one/default and TLSOption two/default differ"


TRANSPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a server name": ("serverName: internal.test", {"server_name": "internal.test"}),
    "no verification": ("insecureSkipVerify: true", {"insecure_skip_verify": True}),
    "an authority in a secret": ("rootCAs: [{secret: ca}]", {"root_cas": (AUTHORITY.strip(),)}),
    "an authority in a config map": ("rootCAs: [{configMap: bundle}]", {"root_cas": (AUTHORITY.strip(),)}),
    "authorities by the older option": ("rootCAsSecrets: [ca]", {"root_cas": (AUTHORITY.strip(),)}),
    "the only entry of a secret": ("rootCAsSecrets: [only]", {"root_cas": (AUTHORITY.strip(),)}),
    "a client certificate with a sealed key": (
        "certificatesSecrets: [a]",
        {"certificate": ClientCertificate(PAIR.certificate, f"sealed {len(PAIR.key)}")},
    ),
    "timeouts": (
        "forwardingTimeouts: {dialTimeout: 42s, responseHeaderTimeout: 7, idleConnTimeout: 1m}",
        {"dial_timeout": 42.0, "response_header_timeout": 7.0, "idle_timeout": 60.0},
    ),
    "connections": ("maxIdleConnsPerHost: 3, disableHTTP2: true", {"max_idle_connections": 3}),
    "a URI": ("peerCertURI: 'spiffe://a'", {"peer_cert_uri": "spiffe://a"}),
}


@pytest.mark.parametrize(("spec", "expected"), TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_a_servers_transport_has(spec: str, expected: dict[str, Any]) -> None:
    found = completed(f"kind: ServersTransport\nmetadata: {{name: mtls}}\nspec: {{{spec}}}")
    transport = found.servers_transports["default-mtls@kubernetescrd"]
    assert transport.unserved == ""
    assert {name: getattr(transport, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("rootCAs: [{secret: absent}]", "the secret default/absent does not exist"),
        ("rootCAs: [{secret: ca}, {configMap: absent}]", "the config map default/absent does not exist"),
        ("rootCAs: [{configMap: empty}]", "the config map default/empty has no certificate in PEM"),
        ("rootCAs: [{}]", "spec.rootCAs[0] is not valid"),
        ("rootCAs: ca", "rootCAs is not valid"),
        ("rootCAs: [/etc/ca.pem]", "rootCAs is not valid"),
        ("rootCAsSecrets: [path]", "the secret default/path has no certificate in PEM"),
        ("certificatesSecrets: [a, b]", "certificatesSecrets does not name one secret"),
        ("certificatesSecrets: [absent]", "the secret default/absent does not exist"),
        ("certificatesSecrets: [mixed]", "the secret default/mixed: its keyFile is not the key"),
        ("certificates: [{certFile: /etc/a.pem, keyFile: /etc/a.key}]", "certificates is unknown"),
        ("minVersion: TLS12", "minVersion is not valid"),
        ("spiffe: {ids: [a]}", "spiffe is not served yet"),
    ],
)
def test_a_servers_transport_that_cannot_be_read_closes_its_services(spec: str, reason: str) -> None:
    found = completed(f"kind: ServersTransport\nmetadata: {{name: mtls}}\nspec: {{{spec}}}")
    transport = found.servers_transports["default-mtls@kubernetescrd"]
    assert transport.unserved.startswith(reason)
    assert errors(found), texts(found)
