"""Static options of Traefik 3 and Traefik 1 that we know and do not serve yet.

Each gives a warning that names it and never stops a start; `*` stands for a name the user chose, and a
pattern covers everything below it. Options leave this table when they are built.
"""

from __future__ import annotations

from msgspec import Struct


class Unserved(Struct, frozen=True):
    """`provider` is true for a section that would bring routers: it keeps Docker from being assumed."""

    reason: str = "is not served yet"
    provider: bool = False


_YET = Unserved()
_PROVIDER = Unserved(provider=True)
_ON_ADMIN = Unserved("is not served: API, dashboard and ping are on the entry point traefik")
_NO_NEED = Unserved("has no effect: Rondpoint never calls home")
_UNUSED = Unserved("has no effect: Consul is asked as Rondpoint needs it")
_AT_ONCE = Unserved("has no effect: changes are applied at once")
_PLAIN = Unserved("has no effect: the log has no colours")
_NO_WEIGHT = Unserved("has no effect: a server of weight 0 takes no requests")
_SLASHES = Unserved("has no effect: a slash at the end of a path always counts")
_ROUTING = Unserved("is not read here: routers and services belong in a file that providers.file names")

_TRAEFIK_3_SECTIONS = "certificatesResolvers core experimental hostResolver ocsp spiffe tcpServersTransport"
_TRAEFIK_3_PROVIDERS = (
    "ecs etcd http knative kubernetesCRD kubernetesGateway kubernetesIngress "
    "kubernetesIngressNGINX nomad plugin redis swarm zooKeeper"
)
_TRAEFIK_3_OPTIONS = (
    "accessLog.dualOutput accessLog.otlp "
    "api.basePath api.dashboardName api.debug api.disableDashboardAd "
    "entryPoints.*.allowACMEByPass entryPoints.*.forwardedHeaders.connection "
    "entryPoints.*.forwardedHeaders.notAppendXForwardedFor entryPoints.*.http entryPoints.*.http2 "
    "entryPoints.*.http3 entryPoints.*.reusePort "
    "entryPoints.*.transport.keepAliveMaxRequests entryPoints.*.transport.keepAliveMaxTime "
    "entryPoints.*.transport.lifeCycle.requestAcceptGraceTimeout entryPoints.*.udp "
    "providers.consul.namespaces providers.consulCatalog.connectAware "
    "providers.consulCatalog.connectByDefault providers.consulCatalog.namespaces "
    "providers.consulCatalog.requireConsistent "
    "metrics.datadog metrics.influxDB metrics.influxDB2 metrics.otlp metrics.statsD "
    "metrics.prometheus.manualRouting "
    "log.otlp "
    "tracing.backend tracing.datadog tracing.elastic tracing.globalAttributes tracing.haystack "
    "tracing.instana tracing.jaeger tracing.spanNameLimit tracing.zipkin "
    "ping.manualRouting ping.terminatingStatusCode providers.precedence "
    "providers.docker.allowNonRunning "
    "providers.docker.httpClientTimeout providers.docker.password providers.docker.tls "
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
    "docker.debugLogGeneratedTemplate docker.filename docker.swarmMode "
    "docker.swarmModeRefreshSeconds docker.templateVersion docker.tls docker.trace "
    "consul.constraints consul.debugLogGeneratedTemplate consul.filename consul.templateVersion "
    "consul.tls.caOptional consul.trace consulCatalog.debugLogGeneratedTemplate consulCatalog.filename "
    "consulCatalog.templateVersion consulCatalog.tls.caOptional consulCatalog.trace "
    "entryPoints.*.auth entryPoints.*.clientIPStrategy entryPoints.*.compress entryPoints.*.redirect "
    "entryPoints.*.tls.caFiles entryPoints.*.tls.cipherSuites entryPoints.*.tls.clientCA "
    "entryPoints.*.tls.clientCAFiles entryPoints.*.tls.curvePreferences entryPoints.*.tls.defaultCertificate "
    "entryPoints.*.tls.sniStrict entryPoints.*.whiteList entryPoints.*.whitelistSourceRange "
    "file.constraints file.debugLogGeneratedTemplate file.templateVersion file.trace "
    "lifeCycle.requestAcceptGraceTimeout web.auth web.certFile web.keyFile web.path "
    "web.metrics.datadog web.metrics.influxDB web.metrics.statsD "
    "web.readOnly"
)


def _table(patterns: str, entry: Unserved, prefix: str = "") -> dict[str, Unserved]:
    return {prefix + pattern: entry for pattern in patterns.split()}


UNSERVED: dict[str, Unserved] = {
    **_table(_TRAEFIK_3_SECTIONS, _YET),
    **_table(_TRAEFIK_3_PROVIDERS, _PROVIDER, "providers."),
    **_table(_TRAEFIK_3_OPTIONS, _YET),
    **_table(_TRAEFIK_2, _YET),
    **_table(_TRAEFIK_2_PROVIDERS, _PROVIDER, "providers."),
    **_table(_TRAEFIK_1_SECTIONS, _YET),
    **_table(_TRAEFIK_1_PROVIDERS, _PROVIDER),
    **_table(_TRAEFIK_1_OPTIONS, _YET),
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
