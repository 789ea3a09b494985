"""Certificates and TLS options of files and keys; labels only ask for a default certificate."""

from __future__ import annotations

from discovery.decoding import values
from discovery.dynamic import tls_domains, tls_options
from discovery.labels.vocabulary.label import Label, Support

OPTIONS = "tls.options.NAME"
_GENERATED = "tls.stores.default.defaultGeneratedCert"
_FILE = "a file that the agent can read, or PEM text"

STORE = (
    Label(
        f"{_GENERATED}.resolver",
        "le",
        "resolver that obtains the default certificate",
        values.text,
        "",
        requires=(f"{_GENERATED}.domain.main",),
    ),
    Label(
        f"{_GENERATED}.domain.main",
        "a.test",
        "name of the default certificate",
        tls_domains.certificate_name,
        "",
        requires=(f"{_GENERATED}.resolver",),
    ),
    Label(
        f"{_GENERATED}.domain.sans",
        "b.test",
        "its other names",
        tls_domains.certificate_names,
        requires=(f"{_GENERATED}.resolver", f"{_GENERATED}.domain.main"),
    ),
)


def _pair(path: str, certificate: str) -> tuple[Label, Label]:
    files = f"{path}.certFile", f"{path}.keyFile"
    return (
        Label(files[0], "/a.pem", f"{certificate}: {_FILE}", values="text", requires=(files[1],)),
        Label(files[1], "/a.key", f"its private key: {_FILE}", values="text", requires=(files[0],)),
    )


CERTIFICATES = (
    *_pair("tls.certificates[0]", "certificate for the names in it, followed by its issuers'"),
    Label(
        "tls.certificates[0].stores",
        "default",
        "a list without `default` leaves the certificate out",
        values.texts,
        requires=("tls.certificates[0].certFile", "tls.certificates[0].keyFile"),
        default_text="`default`",
    ),
    *_pair("tls.stores.default.defaultCertificate", "certificate for clients whose name no other has"),
    *STORE,
)

CERTIFICATES_OF_TRAEFIK_1 = (
    Label(
        "tls[0].entryPoints",
        "https",
        "entry points with this certificate",
        values.texts,
        requires=("tls[0].certificate.certFile", "tls[0].certificate.keyFile"),
        default_text="all",
    ),
    *_pair("tls[0].certificate", "certificate for the names in it, followed by its issuers'"),
)

TLS_OPTIONS = (
    Label(
        f"{OPTIONS}.minVersion",
        "VersionTLS13",
        "lowest TLS version",
        values.tls_version,
        default_text="`VersionTLS12`",
    ),
    Label(
        f"{OPTIONS}.maxVersion",
        "VersionTLS13",
        "highest TLS version",
        values.tls_version,
        default_text="`VersionTLS13`",
    ),
    Label(
        f"{OPTIONS}.cipherSuites",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "cipher suites up to TLS 1.2",
        tls_options.cipher_suites,
        default_text="those of OpenSSL",
    ),
    Label(
        f"{OPTIONS}.curvePreferences",
        "X25519",
        "curves for the key exchange, the best first",
        tls_options.curves,
        default_text="those of OpenSSL",
    ),
    Label(
        f"{OPTIONS}.clientAuth.caFiles",
        "/ca.pem",
        f"authorities of the clients' certificates: each is {_FILE}",
        values.texts,
    ),
    Label(
        f"{OPTIONS}.clientAuth.clientAuthType",
        "RequireAnyClientCert",
        "whether clients need a certificate",
        tls_options.client_auth_type,
        default_text="`RequireAndVerifyClientCert` with `caFiles`, else `NoClientCert`",
    ),
    Label(
        f"{OPTIONS}.sniStrict",
        "true",
        "refuse clients whose name no certificate has",
        values.boolean,
        default_text="`false`",
    ),
    Label(
        f"{OPTIONS}.alpnProtocols",
        "http/1.1",
        "protocols, the best first",
        values.texts,
        default_text="all that are served",
    ),
    Label(
        f"{OPTIONS}.disableSessionTickets",
        "true",
        "make a full handshake on each connection",
        values.boolean,
        default_text="`false`",
    ),
    Label(
        f"{OPTIONS}.preferServerCipherSuites",
        "true",
        "no effect, as with Traefik",
        values="true or false",
        support=Support.NO_EFFECT_NOTED,
    ),
)
