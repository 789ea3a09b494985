"""Static options of Traefik 3 and Traefik 1 that we know and do not serve yet.

Each gives a finding that names it and never stops a start; `*` stands for a name the user chose, and a
pattern covers everything below it that has no pattern of its own. Options leave this table when they are
built.

An option that is left aside gives a warning. One that guards something closes it instead (`closes`): to
serve without the guard would be weaker than its author meant.
"""

from __future__ import annotations

from msgspec import Struct

from rondpoint.settings.closed_parts import CHANGES, LOCAL_ONLY, METRICS

_ONLY_IF_SAFE = "take it out only if it is safe to serve without it"


class UnservedOption(Struct, frozen=True):
    """`provider` is true for a section that would bring routers: it keeps Docker from being assumed.

    `closes` names what is closed for want of the option, empty if nothing is: `entry point *` (its own),
    `entry point NAME`, `provider NAME`, or one of `rondpoint.settings.closed_parts`. `mend` says what to do
    instead, `*` for the entry point's name. With `denies`, only the value false is a guard; with `of_tls`,
    an entry point that speaks TLS (`tls.certificates`) needs it no more.
    """

    reason: str = "is not served yet"
    provider: bool = False
    closed_part: str = ""
    hint: str = _ONLY_IF_SAFE
    guards_if_false: bool = False
    unneeded_with_tls: bool = False


_YET = UnservedOption()
_PROVIDER = UnservedOption(provider=True)
_ON_ADMIN = UnservedOption("is not served: API, dashboard and ping are on the entry point traefik")
_NO_NEED = UnservedOption("has no effect: Rondpoint never calls home")
_UNUSED = UnservedOption("has no effect: Consul is asked as Rondpoint needs it")
_AT_ONCE = UnservedOption("has no effect: changes are applied at once")
_PLAIN = UnservedOption("has no effect: the log has no colours")
_NO_WEIGHT = UnservedOption("has no effect: a server of weight 0 takes no requests")
_SLASHES = UnservedOption("has no effect: a slash at the end of a path always counts")
_CURVES = UnservedOption("has no effect: OpenSSL chooses among its curves, none of which is weak")
_CHARACTERS = UnservedOption("has no effect: encoded characters pass", closed_part="entry point *", guards_if_false=True)
_GUARD = UnservedOption(closed_part="entry point *")
_REDIRECTION = UnservedOption(
    closed_part="entry point *",
    hint="take it out only if nobody needs to be led to another entry point from this one",
)
_OF_TLS = UnservedOption(closed_part="entry point *", hint="set entryPoints.*.tls.certificates", unneeded_with_tls=True)
_CIPHER_SUITES = UnservedOption(
    closed_part="entry point *", hint="set entryPoints.*.tls.minVersion=VersionTLS13 in place of it"
)
_PASSWORD = UnservedOption(closed_part="entry point traefik", hint="set api.basicAuth.users or api.token in place of it")
_ADMIN_TLS = UnservedOption(closed_part="entry point traefik", hint=LOCAL_ONLY)
_READ_ONLY = UnservedOption(closed_part=CHANGES)
_MANUAL = UnservedOption(
    closed_part=METRICS, hint="take it out only if whoever reaches metrics.prometheus.entryPoint may read /metrics"
)
_DOCKER_TLS = UnservedOption(
    closed_part="provider docker", hint="take it out, and name the engine's socket, or that of a tunnel to it"
)
_DOCKER_TEMPLATE = UnservedOption(closed_part="provider docker")
_CATALOGUE = UnservedOption(closed_part="provider consulcatalog")
_KEYS = UnservedOption(closed_part="provider consul")
_ROUTING = UnservedOption("is not read here: routers and services belong in a file that providers.file names")

_TRAEFIK_3_SECTIONS = "certificatesResolvers core experimental hostResolver ocsp spiffe tcpServersTransport"
_TRAEFIK_3_PROVIDERS = (
    "ecs etcd http knative kubernetesCRD kubernetesGateway kubernetesIngress "
    "kubernetesIngressNGINX nomad plugin redis swarm zooKeeper"
)
_TRAEFIK_3_OPTIONS = (
    "accessLog.dualOutput accessLog.otlp "
    "api.basePath api.dashboardName api.debug api.disableDashboardAd "
    "entryPoints.*.allowACMEByPass entryPoints.*.forwardedHeaders.connection "
    "entryPoints.*.forwardedHeaders.notAppendXForwardedFor "
    "entryPoints.*.http.encodeQuerySemicolons entryPoints.*.http.maxHeaderBytes "
    "entryPoints.*.http.sanitizePath entryPoints.*.http2 "
    "entryPoints.*.http3 entryPoints.*.reusePort "
    "entryPoints.*.transport.keepAliveMaxRequests entryPoints.*.transport.keepAliveMaxTime "
    "entryPoints.*.transport.lifeCycle.requestAcceptGraceTimeout entryPoints.*.udp "
    "providers.consulCatalog.requireConsistent "
    "metrics.datadog metrics.influxDB metrics.influxDB2 metrics.otlp metrics.statsD "
    "log.otlp "
    "tracing.backend tracing.datadog tracing.elastic tracing.globalAttributes tracing.haystack "
    "tracing.instana tracing.jaeger tracing.spanNameLimit tracing.zipkin "
    "ping.manualRouting ping.terminatingStatusCode providers.precedence "
    "providers.docker.allowNonRunning "
    "providers.docker.httpClientTimeout providers.docker.password "
    "providers.docker.username providers.file.debugLogGeneratedTemplate "
    "serversTransport.insecureSkipVerify serversTransport.maxIdleConnsPerHost serversTransport.rootCAs "
    "serversTransport.spiffe"
)
# Traefik 2 had these and Traefik 3 dropped them.
_TRAEFIK_2 = "pilot providers.docker.swarmMode providers.docker.swarmModeRefreshSeconds"
_TRAEFIK_2_PROVIDERS = "marathon rancher"
_TRAEFIK_1_SECTIONS = "acme cluster healthCheck tls insecureSkipVerify maxIdleConnsPerHost rootCAs"
_TRAEFIK_1_PROVIDERS = (
    "boltdb dynamodb ecs etcd eureka kubernetes marathon mesos rancher serviceFabric zookeeper"
)
_TRAEFIK_1_OPTIONS = (
    "docker.debugLogGeneratedTemplate docker.swarmMode "
    "docker.swarmModeRefreshSeconds docker.templateVersion docker.trace "
    "consul.debugLogGeneratedTemplate consul.templateVersion "
    "consul.tls.caOptional consul.trace consulCatalog.debugLogGeneratedTemplate "
    "consulCatalog.templateVersion consulCatalog.tls.caOptional consulCatalog.trace "
    "entryPoints.*.compress entryPoints.*.tls.defaultCertificate "
    "file.constraints file.debugLogGeneratedTemplate file.templateVersion file.trace "
    "lifeCycle.requestAcceptGraceTimeout web.path "
    "web.metrics.datadog web.metrics.influxDB web.metrics.statsD"
)
# Who may pass an entry point. `clientIPStrategy` says whose address white lists look at; `ca` is the flag's
# word for `tls.clientCA`.
_GUARDS_OF_ENTRY_POINTS = (
    "entryPoints.*.http.middlewares entryPoints.*.http.tls.options "
    "entryPoints.*.auth entryPoints.*.ca entryPoints.*.clientIPStrategy "
    "entryPoints.*.tls.caFiles entryPoints.*.tls.clientCA entryPoints.*.tls.clientCAFiles "
    "entryPoints.*.tls.sniStrict entryPoints.*.whiteList entryPoints.*.whitelistSourceRange"
)
_CHARACTERS_ALLOWED = (
    "allowEncodedBackSlash allowEncodedHash allowEncodedNullCharacter allowEncodedPercent "
    "allowEncodedQuestionMark allowEncodedSemicolon allowEncodedSlash"
)
# Which instances and keys are routed, and that those of Consul Connect are spoken to by TLS alone. A template
# of the author's own may add any guard.
_GUARDS_OF_THE_CATALOGUE = (
    "providers.consulCatalog.connectAware providers.consulCatalog.connectByDefault "
    "providers.consulCatalog.namespaces consulCatalog.filename"
)
_GUARDS_OF_KEYS = "providers.consul.namespaces consul.constraints consul.filename"


def _table(patterns: str, entry: UnservedOption, prefix: str = "") -> dict[str, UnservedOption]:
    return {prefix + pattern: entry for pattern in patterns.split()}


UNSERVED_OPTIONS: dict[str, UnservedOption] = {
    **_table(_TRAEFIK_3_SECTIONS, _YET),
    **_table(_TRAEFIK_3_PROVIDERS, _PROVIDER, "providers."),
    **_table(_TRAEFIK_3_OPTIONS, _YET),
    **_table(_TRAEFIK_2, _YET),
    **_table(_TRAEFIK_2_PROVIDERS, _PROVIDER, "providers."),
    **_table(_TRAEFIK_1_SECTIONS, _YET),
    **_table(_TRAEFIK_1_PROVIDERS, _PROVIDER),
    **_table(_TRAEFIK_1_OPTIONS, _YET),
    **_table(_GUARDS_OF_ENTRY_POINTS, _GUARD),
    **_table("entryPoints.*.http.redirections entryPoints.*.redirect", _REDIRECTION),
    **_table("entryPoints.*.http.tls", _OF_TLS),
    **_table(_CHARACTERS_ALLOWED, _CHARACTERS, "entryPoints.*.http.encodedCharacters."),
    **_table("entryPoints.*.tls.cipherSuites", _CIPHER_SUITES),
    **_table("entryPoints.*.tls.curvePreferences", _CURVES),
    **_table("web.auth", _PASSWORD),
    **_table("web.certFile web.keyFile", _ADMIN_TLS),
    **_table("web.readOnly", _READ_ONLY),
    **_table("metrics.prometheus.manualRouting", _MANUAL),
    **_table("providers.docker.tls docker.tls", _DOCKER_TLS),
    **_table("docker.filename", _DOCKER_TEMPLATE),
    **_table(_GUARDS_OF_THE_CATALOGUE, _CATALOGUE),
    **_table(_GUARDS_OF_KEYS, _KEYS),
    **_table("api.entryPoint ping.entryPoint rest.entryPoint", _ON_ADMIN),
    **_table("global checkNewVersion sendAnonymousUsage", _NO_NEED),
    **_table("keepTrailingSlash", _SLASHES),
    **_table("allowMinWeightZero", _NO_WEIGHT),
    **_table("backends frontends http tcp udp", _ROUTING),
    **_table("log.noColor", _PLAIN),
    **_table("providers.consulCatalog.refreshInterval", _AT_ONCE),
    **_table("providers.consulCatalog.cache providers.consulCatalog.serviceName", _UNUSED),
    **_table("providersThrottleDuration providers.providersThrottleDuration", _AT_ONCE),
}
