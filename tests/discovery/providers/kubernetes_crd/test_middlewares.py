"""Middlewares have the options of dynamic files; what these name by files stands in secrets."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.middlewares.redaction import HIDDEN, redact_middleware
from rondpoint.model import Middleware
from tests.discovery.certificates.pairs import key_text, make_pair, private_key
from tests.discovery.providers.kubernetes_crd.manifests import SEALER, decoded, errors, texts

NAME = "default-it@kubernetescrd"
AUTHORITY = make_pair("ca.test").certificate
CLIENT = make_pair("client.test")


def secret(name: str, entries: Mapping[str, str], kind: str = "Opaque", namespace: str = "default") -> str:
    """Return the manifest of a secret."""
    data = ", ".join(
        f"{entry}: {base64.b64encode(text.encode()).decode()}" for entry, text in entries.items()
    )
    return (
        f"kind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ntype: {kind}\ndata: {{{data}}}\n"
    )


SECRETS = "---\n".join(
    (
        secret("users", {"users": "one:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\n\ntwo:{SHA}x=\n"}),
        secret("digest", {"users": "one:traefik:a2688e031edb4be6a3797f3882655c05"}),
        secret("pair", {"username": "one", "password": "secret"}, "kubernetes.io/basic-auth"),
        secret("half", {"username": "one"}, "kubernetes.io/basic-auth"),
        secret("empty", {"users": "\n"}),
        secret("several", {"users": "one:x", "more": "two:x"}),
        secret("elsewhere", {"users": "one:x"}, namespace="other"),
        secret("authority", {"tls.ca": AUTHORITY}),
        secret("client", {"tls.crt": CLIENT.certificate, "tls.key": CLIENT.key}),
        secret("mixed", {"tls.crt": CLIENT.certificate, "tls.key": key_text(private_key(number=1))}),
        secret("path", {"ca.crt": "/etc/ssl/private/agent.pem"}),
        secret("keys", {"token": "hidden"}),
    )
)


def middleware(spec: str, **policy: Any) -> Middleware:
    """Return the only middleware that these manifests define, without errors."""
    found = decoded(SECRETS, f"kind: Middleware\nmetadata: {{name: it}}\nspec: {{{spec}}}", **policy)
    assert errors(found) == []
    return found.middlewares[NAME]


OPTIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "addPrefix": ("addPrefix: {prefix: /foo}", "addPrefix", {"prefix": "/foo"}),
    "stripPrefix": ("stripPrefix: {prefixes: [/a, /b]}", "stripPrefix", {"prefixes": ["/a", "/b"]}),
    "stripPrefixRegex": (
        "stripPrefixRegex: {regex: ['/[a-z]+']}",
        "stripPrefixRegex",
        {"regex": ["/[a-z]+"]},
    ),
    "replacePath": ("replacePath: {path: /foo}", "replacePath", {"path": "/foo"}),
    "replacePathRegex": (
        "replacePathRegex: {regex: '^/a/(.*)', replacement: '/b/$1'}",
        "replacePathRegex",
        {"regex": "^/a/(.*)", "replacement": "/b/$1"},
    ),
    "redirectScheme": (
        "redirectScheme: {scheme: https, permanent: true, port: '8443'}",
        "redirectScheme",
        {"scheme": "https", "permanent": True, "port": "8443"},
    ),
    "redirectRegex": (
        "redirectRegex: {regex: '^http://(.*)', replacement: 'https://$1'}",
        "redirectRegex",
        {"regex": "^http://(.*)", "replacement": "https://$1"},
    ),
    "ipAllowList": (
        "ipAllowList: {sourceRange: [10.0.0.0/8], ipStrategy: {depth: 2}}",
        "ipAllowList",
        {"sourceRange": ["10.0.0.0/8"], "ipStrategy": {"depth": 2}},
    ),
    "headers": (
        "headers: {customRequestHeaders: {X-A: b}, stsSeconds: 31536000}",
        "headers",
        {"customRequestHeaders": {"X-A": "b"}, "stsSeconds": 31536000},
    ),
    "rateLimit": (
        "rateLimit: {average: 100, burst: 50, period: 10}",
        "rateLimit",
        {"average": 100, "burst": 50, "period": 10.0},
    ),
    "rateLimit without its own Redis": (
        "rateLimit: {average: 100, redis: {endpoints: ['redis:6379'], secret: keys}}",
        "rateLimit",
        {"average": 100},
    ),
    "inFlightReq": ("inFlightReq: {amount: 10}", "inFlightReq", {"amount": 10}),
    "buffering": (
        "buffering: {maxRequestBodyBytes: 2000000}",
        "buffering",
        {"maxRequestBodyBytes": 2000000},
    ),
    "circuitBreaker": (
        "circuitBreaker: {expression: 'LatencyAtQuantileMS(50.0) > 100', checkPeriod: 1s}",
        "circuitBreaker",
        {"expression": "LatencyAtQuantileMS(50.0) > 100", "checkPeriod": 1.0},
    ),
    "compress": ("compress: {}", "compress", {}),
    "contentType": ("contentType: {}", "contentType", {}),
    "grpcWeb": ("grpcWeb: {allowOrigins: ['*']}", "grpcWeb", {"allowOrigins": ["*"]}),
    "passTLSClientCert": ("passTLSClientCert: {pem: true}", "passTLSClientCert", {"pem": True}),
    "retry": (
        "retry: {attempts: 4, initialInterval: 100ms}",
        "retry",
        {"attempts": 4, "initialInterval": 0.1},
    ),
    "basicAuth": (
        "basicAuth: {secret: users, realm: lab, removeHeader: true}",
        "basicAuth",
        {
            "users": ["one:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/", "two:{SHA}x="],
            "realm": "lab",
            "removeHeader": True,
        },
    ),
    "basicAuth with a user and password": (
        "basicAuth: {secret: pair}",
        "basicAuth",
        {"users": ["one:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="]},
    ),
    "digestAuth": (
        "digestAuth: {secret: digest, headerField: X-User}",
        "digestAuth",
        {"users": ["one:traefik:a2688e031edb4be6a3797f3882655c05"], "headerField": "X-User"},
    ),
    "forwardAuth": (
        "forwardAuth: {address: 'https://auth.test', tls: {caSecret: authority, caOptional: false}}",
        "forwardAuth",
        {"address": "https://auth.test", "tls": {"ca": AUTHORITY.strip(), "caOptional": False}},
    ),
    "a chain": (
        "chain: {middlewares: [{name: a}, {name: b@file}]}",
        "chain",
        {"middlewares": ["default-a@kubernetescrd", "b@file"]},
    ),
    "errors of another provider's service": (
        "errors: {status: ['500-599'], query: '/{status}', service: {kind: TraefikService, name: e@file}}",
        "errors",
        {"status": ["500-599"], "query": "/{status}", "service": "e@file"},
    ),
    "a plugin with a secret": (
        "plugin: {mine: {name: a, list: ['urn:k8s:secret:keys:token'], depth: 1}}",
        "plugin",
        {"mine": {"name": "a", "list": ["hidden"], "depth": 1}},
    ),
}


@pytest.mark.parametrize(("spec", "kind", "options"), OPTIONS.values(), ids=OPTIONS.keys())
def test_a_middleware_is(spec: str, kind: str, options: dict[str, Any]) -> None:
    found = middleware(spec)
    ca = found.options.get("tls", {}).get("ca")
    if ca is not None:
        found.options["tls"]["ca"] = ca.strip()
    assert (found.kind, found.options, found.unusable) == (kind, options, False)


def test_errors_have_a_service_of_their_own() -> None:
    spec = "errors: {status: ['404'], service: {name: whoami, port: 80}}"
    found = decoded(f"kind: Middleware\nmetadata: {{name: it}}\nspec: {{{spec}}}")
    service = "default-it-errorpage-service@kubernetescrd"
    assert found.middlewares[NAME].options["service"] == service
    assert [each.url for each in found.services[service].servers] == [
        "http://10.42.0.1:8080",
        "http://10.42.0.2:8080",
    ]


UNUSABLE = {
    "users that do not exist": (
        "basicAuth: {secret: absent}",
        "spec.basicAuth.secret: the secret default/absent does not exist",
    ),
    "users of another namespace": (
        "basicAuth: {secret: elsewhere}",
        "spec.basicAuth.secret: the secret default/elsewhere does not exist",
    ),
    "users without a secret": ("basicAuth: {realm: a}", "spec.basicAuth.secret is missing"),
    "users in the manifest": ("basicAuth: {users: ['a:b']}", "spec.basicAuth.users is unknown"),
    "users in a file of the agent": (
        "digestAuth: {usersFile: /etc/passwd, secret: digest}",
        "spec.digestAuth.usersFile is unknown",
    ),
    "a secret with several entries": (
        "basicAuth: {secret: several}",
        "spec.basicAuth.secret: the secret default/several has 2 entries",
    ),
    "a secret without users": (
        "basicAuth: {secret: empty}",
        "spec.basicAuth.secret: the secret default/empty names no users",
    ),
    "a user without password": (
        "basicAuth: {secret: half}",
        "spec.basicAuth.secret: the secret default/half lacks username or password",
    ),
    "a user and password for digests": (
        "digestAuth: {secret: pair}",
        "spec.digestAuth.secret: the secret default/pair has 2 entries",
    ),
    "users of the other kind": ("digestAuth: {secret: users}", "spec.digestAuth.users is not valid"),
    "an authority that does not exist": (
        "forwardAuth: {address: 'https://auth.test', tls: {caSecret: absent}}",
        "spec.forwardAuth.tls.caSecret: the secret default/absent does not exist",
    ),
    "a path in place of an authority": (
        "forwardAuth: {address: 'https://auth.test', tls: {caSecret: path}}",
        "spec.forwardAuth.tls.caSecret: the secret default/path has no certificate in PEM",
    ),
    "a file of the proxy as authority": (
        "forwardAuth: {address: 'https://auth.test', tls: {ca: /etc/ssl/ca.pem}}",
        "spec.forwardAuth.tls.ca is unknown",
    ),
    "a secret without a client certificate": (
        "forwardAuth: {address: 'https://auth.test', tls: {certSecret: pair}}",
        "spec.forwardAuth.tls.certSecret: the secret default/pair has no tls.crt and no tls.key in PEM",
    ),
    "a client certificate with another key": (
        "forwardAuth: {address: 'https://auth.test', tls: {certSecret: mixed}}",
        "spec.forwardAuth.tls.certSecret: the secret default/mixed: its keyFile is not the key",
    ),
    "a key of the proxy": (
        "forwardAuth: {address: 'https://auth.test', tls: {cert: /etc/a.pem, key: /etc/a.key}}",
        "spec.forwardAuth.tls.cert is unknown",
    ),
    "a chain with a middleware of another namespace": (
        "chain: {middlewares: [{name: a, namespace: other}]}",
        "spec.chain.middlewares cannot be used",
    ),
    "errors without a service": ("errors: {status: ['404']}", "spec.errors.service is missing"),
    "errors with a service that does not exist": (
        "errors: {status: ['404'], service: {name: absent, port: 80}}",
        "spec.errors.service cannot be used",
    ),
    "an entry that a secret does not have": (
        "plugin: {mine: {key: 'urn:k8s:secret:keys:other'}}",
        "spec.plugin: the secret default/keys has no entry other",
    ),
    "a malformed name of an entry": (
        "plugin: {mine: {key: 'urn:k8s:secret:keys'}}",
        "spec.plugin: urn:k8s:secret:keys is not valid",
    ),
    "options that are no section": ("basicAuth: 'yes'", 'spec.basicAuth="yes" is not valid'),
    "an invalid option": ("ipAllowList: {sourceRange: [nowhere]}", "spec.ipAllowList.sourceRange="),
}


@pytest.mark.parametrize(("spec", "message"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_middleware_that_cannot_be_read_closes_its_routers(spec: str, message: str) -> None:
    found = decoded(SECRETS, f"kind: Middleware\nmetadata: {{name: it}}\nspec: {{{spec}}}")
    assert found.middlewares[NAME].unusable
    assert [text for text in errors(found) if text.startswith(message)], texts(found)


@pytest.mark.parametrize("spec", ["", "addPrefix: {prefix: /a}, compress: {}", "addPrefixes: {}"])
def test_a_middleware_has_exactly_one_known_kind(spec: str) -> None:
    found = decoded(f"kind: Middleware\nmetadata: {{name: it}}\nspec: {{{spec}}}")
    assert not found.middlewares
    assert errors(found)


def test_secrets_are_not_shown() -> None:
    found = decoded(SECRETS, "kind: Middleware\nmetadata: {name: it}\nspec: {digestAuth: {secret: users}}")
    assert "apr1" not in texts(found)


def test_the_key_of_a_client_certificate_is_sealed() -> None:
    found = middleware("forwardAuth: {address: 'https://auth.test', tls: {certSecret: client}}")
    tls = found.options["tls"]
    assert tls["cert"] == CLIENT.certificate
    assert SEALER.open(tls["key"]) == CLIENT.key != tls["key"]
    assert redact_middleware(found).options["tls"]["key"] == HIDDEN


def test_every_kind_of_traefiks_manifests_is_served() -> None:
    kinds = {kind for _, kind, _ in OPTIONS.values()}
    of_gateway_api = {
        *("requestHeaderModifier", "requestRedirect", "responseHeaderModifier", "timeouts", "urlRewrite"),
    }
    only_elsewhere = {"ipWhiteList", "encodedCharacters", "errors", "redirectEntryPoint", *of_gateway_api}
    assert SERVED_KINDS - kinds <= only_elsewhere
