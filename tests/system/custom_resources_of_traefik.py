"""Custom resources for which Traefik 3 and Rondpoint are compared, and requests to the routes that they make.

In a manifest, `{n}` stands for the name of the case; its host is `NAME.test`. `{secure}` is the port of the
server that demands a client certificate.
"""

from typing import NamedTuple


class Case(NamedTuple):
    """The body of an IngressRoute's `spec`, other manifests, and requests: `METHOD HOST/TARGET`."""

    spec: str
    requests: tuple[str, ...] = ("{n}.test/",)
    others: str = ""


ONE = "services: [{name: one, port: 80}]"
TWO = "services: [{name: two, port: 80}]"
RULE = "match: Host(`{n}.test`)"


def routes(*routes: str, spec: str = "") -> str:
    """Return the `spec` of an IngressRoute with these routes, in YAML's flow style."""
    listed = ", ".join(f"{{{each}}}" for each in routes)
    return f"{{{spec}routes: [{listed}]}}"


def middleware(spec: str, name: str = "{n}") -> str:
    return f"\n---\nkind: Middleware\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"


USES = "middlewares: [{name: '{n}'}]"


def guarded(spec: str, *requests: str, more: str = "") -> Case:
    """Return a case with one route that uses one middleware."""
    return Case(routes(f"{RULE}, {ONE}, {USES}"), requests or ("{n}.test/a/b",), middleware(spec) + more)


def weighted(kind: str, spec: str) -> Case:
    """Return a case with a route to a TraefikService."""
    service = f"\n---\nkind: TraefikService\nmetadata: {{name: '{{n}}'}}\nspec: {{{kind}: {spec}}}\n"
    return Case(routes(f"{RULE}, services: [{{kind: TraefikService, name: '{{n}}'}}]"), others=service)


def secure(spec: str) -> Case:
    """Return a case with a route to the server that demands a client certificate."""
    reference = "{name: secure, port: web, scheme: https, serversTransport: '{n}'}"
    transport = f"\n---\nkind: ServersTransport\nmetadata: {{name: '{{n}}'}}\nspec: {{{spec}}}\n"
    return Case(routes(f"{RULE}, services: [{reference}]"), others=transport)


USERS = (
    "\n---\nkind: Secret\nmetadata: {name: '{n}'}\n"
    "data: {users: b25lOntTSEF9NWVuNkc2TWV6UnJvVDNYS3FrZFBPbVkvQmZRPQo=}\n"
)
"""The user `one` with the password `secret`."""

CASES: dict[str, Case] = {
    "plain": Case(
        routes(f"{RULE}, {ONE}"), ("{n}.test/", "{n}.test/a?b=c", "POST {n}.test/", "other.{n}.test/")
    ),
    "paths": Case(
        routes(f"{RULE} && PathPrefix(`/two`), {TWO}", f"{RULE}, {ONE}"),
        ("{n}.test/", "{n}.test/two/x", "{n}.test/twoo"),
    ),
    "priority": Case(
        routes(f"{RULE} && PathPrefix(`/a`), priority: 1, {TWO}", f"{RULE}, priority: 2, {ONE}"),
        ("{n}.test/a",),
    ),
    "named-port": Case(routes(f"{RULE}, services: [{{name: one, port: web}}]")),
    "no-port": Case(routes(f"{RULE}, services: [{{name: one}}]")),
    "wrong-port": Case(routes(f"{RULE}, services: [{{name: one, port: 81}}]")),
    "port-as-text": Case(routes(f"{RULE}, services: [{{name: one, port: '80'}}]")),
    "no-service": Case(routes(f"{RULE}, services: [{{name: absent, port: 80}}]")),
    "no-endpoints": Case(routes(f"{RULE}, services: [{{name: idle, port: 80}}]")),
    "several": Case(routes(f"{RULE}, services: [{{name: one, port: 80}}, {{name: two, port: 80}}]")),
    "several-weights": Case(
        routes(f"{RULE}, services: [{{name: one, port: 80, weight: 0}}, {{name: two, port: 80, weight: 1}}]")
    ),
    "several-one-missing": Case(
        routes(f"{RULE}, services: [{{name: one, port: 80}}, {{name: absent, port: 80}}]")
    ),
    "both-pods": Case(routes(f"{RULE}, services: [{{name: both, port: 80}}]")),
    "host-of-the-server": Case(routes(f"{RULE}, services: [{{name: one, port: 80, passHostHeader: false}}]")),
    "external": Case(routes(f"{RULE}, services: [{{name: external, port: 80}}]")),
    "native": Case(routes(f"{RULE}, services: [{{name: native, port: web, nativeLB: true}}]")),
    "older-round-robin": Case(routes(f"{RULE}, services: [{{name: both, port: 80, strategy: RoundRobin}}]")),
    "entry-point": Case(routes(f"{RULE}, {ONE}", spec="entryPoints: [web], ")),
    "unknown-entry-point": Case(routes(f"{RULE}, {ONE}", spec="entryPoints: [absent], ")),
    "class-traefik": Case(routes(f"{RULE}, {ONE}", spec="ingressClassName: traefik, ")),
    "class-other": Case(routes(f"{RULE}, {ONE}", spec="ingressClassName: other, ")),
    "kind-rule": Case(routes(f"kind: Rule, {RULE}, {ONE}")),
    "syntax": Case(
        routes(f"match: 'Host(`{{n}}.test`, `too.{{n}}.test`)', syntax: v2, {ONE}"), ("too.{n}.test/",)
    ),
    "invalid-rule": Case(routes(f"match: Hots(`{{n}}.test`), {ONE}")),
    "strip": guarded("stripPrefix: {prefixes: [/a]}"),
    "add": guarded("addPrefix: {prefix: /x}"),
    "replace": guarded("replacePathRegex: {regex: '^/a/(.*)', replacement: '/z/$1'}"),
    "redirect": guarded("redirectScheme: {scheme: https, permanent: true}"),
    "headers": guarded("headers: {customRequestHeaders: {X-Added: 'yes'}}"),
    "forbidden": guarded("ipAllowList: {sourceRange: [10.9.9.9]}"),
    "allowed": guarded("ipAllowList: {sourceRange: [127.0.0.1]}"),
    "basic": guarded(
        "basicAuth: {secret: '{n}'}", "{n}.test/", "one:secret@{n}.test/", "one:no@{n}.test/", more=USERS
    ),
    "basic-realm": guarded(
        "basicAuth: {secret: '{n}', realm: lab, headerField: X-Added}", "one:secret@{n}.test/", more=USERS
    ),
    "basic-pair": guarded(
        "basicAuth: {secret: '{n}'}",
        "one:secret@{n}.test/",
        "{n}.test/",
        more="\n---\nkind: Secret\nmetadata: {name: '{n}'}\ntype: kubernetes.io/basic-auth\n"
        "data: {username: b25l, password: c2VjcmV0}\n",
    ),
    "auth-with-certificate": guarded(
        "forwardAuth: {address: 'https://localhost:{secure}/', "
        "tls: {caSecret: authority, certSecret: client}}"
    ),
    "auth-without-certificate": guarded(
        "forwardAuth: {address: 'https://localhost:{secure}/', tls: {caSecret: authority}}"
    ),
    "basic-without-secret": guarded("basicAuth: {secret: absent}"),
    "absent-middleware": Case(routes(f"{RULE}, {ONE}, middlewares: [{{name: absent}}]")),
    "cross-namespace": Case(routes(f"{RULE}, {ONE}, middlewares: [{{name: add, namespace: elsewhere}}]")),
    "full-name": Case(routes(f"{RULE}, {ONE}, middlewares: [{{name: default-strip@kubernetescrd}}]")),
    "of-a-file": Case(routes(f"{RULE}, {ONE}, middlewares: [{{name: added@file}}]")),
    "service-of-a-file": Case(routes(f"{RULE}, services: [{{kind: TraefikService, name: two@file}}]")),
    "service-of-another-namespace": Case(
        routes(f"{RULE}, services: [{{name: there, namespace: elsewhere, port: 80}}]")
    ),
    "chain": Case(
        routes(f"{RULE}, {ONE}, {USES}"),
        ("{n}.test/a/b",),
        middleware("chain: {middlewares: [{name: '{n}-1'}, {name: '{n}-2'}]}")
        + middleware("stripPrefix: {prefixes: [/a]}", "'{n}-1'")
        + middleware("addPrefix: {prefix: /c}", "'{n}-2'"),
    ),
    "order": Case(
        routes(f"{RULE}, {ONE}, middlewares: [{{name: '{{n}}-1'}}, {{name: '{{n}}-2'}}]"),
        ("{n}.test/a/b",),
        middleware("stripPrefix: {prefixes: [/a]}", "'{n}-1'")
        + middleware("addPrefix: {prefix: /c}", "'{n}-2'"),
    ),
    "errors": guarded(
        "errors: {status: ['500-599'], query: '/oops/{status}', service: {name: two, port: 80}}",
        "{n}.test/status/503",
        "{n}.test/",
    ),
    "limited": guarded("inFlightReq: {amount: 10}"),
    "retry": guarded("retry: {attempts: 2}"),
    "weighted": weighted(
        "weighted", "{services: [{name: one, port: 80, weight: 1}, {name: two, port: 80, weight: 1}]}"
    ),
    "weighted-zero": weighted(
        "weighted", "{services: [{name: one, port: 80, weight: 0}, {name: two, port: 80}]}"
    ),
    "weighted-missing": weighted("weighted", "{services: [{name: absent, port: 80}, {name: two, port: 80}]}"),
    "mirrored": weighted("mirroring", "{name: one, port: 80, mirrors: [{name: two, port: 80, percent: 10}]}"),
    "failover": weighted(
        "failover",
        "{service: {name: one, port: 80}, fallback: {name: two, port: 80}, errors: {status: ['500-599']}}",
    ),
    "no-traefik-service": Case(routes(f"{RULE}, services: [{{kind: TraefikService, name: absent}}]")),
    "service-middlewares": Case(
        routes(f"{RULE}, services: [{{name: one, port: 80, {USES}}}]"),
        ("{n}.test/a",),
        middleware("addPrefix: {prefix: /of-service}"),
    ),
    "mutual-tls": secure(
        "rootCAs: [{secret: authority}], certificatesSecrets: [client], serverName: localhost"
    ),
    "older-authorities": secure(
        "rootCAsSecrets: [authority], certificatesSecrets: [client], serverName: localhost"
    ),
    "lax": secure("insecureSkipVerify: true, certificatesSecrets: [client]"),
    "no-client-certificate": secure("insecureSkipVerify: true"),
    "missing-authority": secure(
        "insecureSkipVerify: true, rootCAs: [{secret: absent}], certificatesSecrets: [client]"
    ),
    "child": Case(
        routes(f"match: PathPrefix(`/c`), {TWO}", spec="parentRefs: [{name: '{n}-parent'}], "),
        ("{n}.test/c", "{n}.test/d"),
        "\n---\nkind: IngressRoute\nmetadata: {name: '{n}-parent'}\n"
        "spec: {routes: [{match: Host(`{n}.test`)}]}\n",
    ),
    "orphan": Case(routes(f"{RULE}, {TWO}", spec="parentRefs: [{name: absent}], ")),
}

DIFFERENCES: dict[str, str] = {
    "basic-without-secret basic-without-secret.test/a/b": "the route responds 503; without it, a "
    "more general route might serve its requests unprotected",
    "missing-authority missing-authority.test/": "503; Traefik does without the authority",
}
"""Requests with different responses, and why: `CASE REQUEST` → reason."""

NAMES_OF_OURS: dict[str, set[str]] = {}
NAMES_OF_THEIRS: dict[str, set[str]] = {
    "services": {
        # Traefik makes the service of a route whose rule is not valid.
        "default-invalid-rule-c15460dd92a49c0289ee@kubernetescrd",
        # Here its servers transport closes it.
        "default-missing-authority-b6125a1029b5af401557@kubernetescrd",
    },
}
"""Objects that only one of the two serves, by kind."""
