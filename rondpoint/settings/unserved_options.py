"""Static options of Traefik 3 and Traefik 1 that Rondpoint recognises but does not serve yet.

Each one in use gives a diagnostic that names it, but Rondpoint starts all the same. `*` stands for a name
that the user chooses. A pattern covers all keys below it that have no pattern of their own. An option
leaves this table when it is implemented.

An ignored option gives a warning, or a note if nothing is lost without it (`is_harmless`). An option that
protects something closes the protected part instead (`closed_part`), because serving it without the
protection would be less safe than the user intended.
"""

from __future__ import annotations

from msgspec import Struct

_ONLY_IF_SAFE = "take it out only if it is safe to serve without it"


class UnservedOption(Struct, frozen=True):
    """An option that is not served, and what Rondpoint does about it.

    `reason`: the end of the message that begins with the option's key. `is_provider`: the option is a
    provider, so Docker is not switched on by default. `closed_part`: the part that is closed without the
    option, or empty: `entry point *` (the option's own entry point), `entry point NAME`, `provider NAME`,
    or a constant of `rondpoint.settings.closed_parts`. `hint`: what to do instead; `*` stands for the
    name of the entry point. `is_harmless`: everything works as it does with the option.
    """

    reason: str = "is not served yet"
    is_provider: bool = False
    closed_part: str = ""
    hint: str = _ONLY_IF_SAFE
    is_harmless: bool = False


_NOT_YET = UnservedOption()
_PROVIDER = UnservedOption(is_provider=True)
_BOLTDB = UnservedOption(
    "is not served, and Traefik 3 has no such provider: write its keys to a key-value store, such as Redis "
    "or ZooKeeper, or its routes to a file, and set providers.file.filename",
    is_provider=True,
)
_ONLY_TRAEFIK_1 = UnservedOption(
    "is not served, and Traefik 3 has no such provider: write its routes to a file, and set "
    "providers.file.filename",
    is_provider=True,
)
_EUREKA = UnservedOption(
    "is not served, and Traefik 3 has no such provider: register the applications in Consul too, and set "
    "providers.consulCatalog, or write their routes to a file, and set providers.file.filename",
    is_provider=True,
)
_RANCHER = UnservedOption(
    "is not served, and Traefik 3 has no such provider: for the Docker engine of each host, set "
    "providers.docker; Rancher 2 runs Kubernetes",
    is_provider=True,
)
_NO_USAGE_DATA = UnservedOption(
    "has no effect: Rondpoint sends no usage data and checks for no new version", is_harmless=True
)
_NO_ADVERTISEMENT = UnservedOption("has no effect: the dashboard has no advertisement", is_harmless=True)
_NO_PILOT = UnservedOption("has no effect: Traefik Pilot does not exist any more", is_harmless=True)
_NO_PROFILER = UnservedOption("has no effect: Rondpoint has no profiler of Go")
_CONSUL_QUERIES = UnservedOption(
    "has no effect: Rondpoint decides itself how it queries Consul", is_harmless=True
)
_EVENTS = UnservedOption(
    "has no effect: an event stream is followed, and no query waits for changes", is_harmless=True
)
_NO_QUERIES = UnservedOption("has no effect: watches replace repeated requests", is_harmless=True)
_IMMEDIATE = UnservedOption("has no effect: changes are applied at once", is_harmless=True)
_NO_COLOURS = UnservedOption("has no effect: the log has no colours", is_harmless=True)
_ZERO_WEIGHT = UnservedOption("has no effect: a server of weight 0 takes no requests")
_TRAILING_SLASH = UnservedOption("has no effect: a slash at the end of a path always counts")
_PLUGINS = UnservedOption(
    "has no effect: Traefik's plugins are Go programs; install a middleware in Python of the same name"
)
_ENTRY_POINT_GUARD = UnservedOption(closed_part="entry point *")
_OTHER_RESOLVER = UnservedOption("is not served: set acme, the only kind of resolver")
_ON_DEMAND = UnservedOption(
    "is not served: with it, clients that make up host names use up the limits of the authority; set "
    "acme.onHostRule or acme.domains"
)
_ACME_LOG = UnservedOption("has no effect: orders are always in the log; log.level=DEBUG adds details")
_NO_CLUSTER = UnservedOption(
    "has no effect: all agents and proxies of one redis.url are a cluster; certificates of Traefik's cluster "
    "are not read from its keys, so they are ordered again"
)
_MARATHON_GUARD = UnservedOption(closed_part="provider marathon")
_MESOS_GUARD = UnservedOption(closed_part="provider mesos")
_ECS_GUARD = UnservedOption(closed_part="provider ecs")
_OWN_LIMITS = UnservedOption("has no effect: Rondpoint has its own time limits for connections")
_DOCKER_TEMPLATE = UnservedOption(closed_part="provider docker")
_CATALOGUE_GUARD = UnservedOption(closed_part="provider consulcatalog")
_KUBERNETES_GUARD = UnservedOption(closed_part="provider kubernetes")
_CONSUL_KEYS_GUARD = UnservedOption(closed_part="provider consul")
_ZOOKEEPER_GUARD = UnservedOption(closed_part="provider zookeeper")
_ETCD_GUARD = UnservedOption(closed_part="provider etcd")
_ETCD_API = UnservedOption(
    "has no effect: Rondpoint always uses etcd's API v3; keys that were written by API v2 are not read"
)
_MASTER_ONLY = UnservedOption("has no effect: Rondpoint reads the master's keys")
_ROUTING = UnservedOption(
    "is not read here: put routers and services in a file, and set providers.file.filename to it"
)

_TRAEFIK_3_SECTIONS = "core experimental hostResolver ocsp spiffe"
_TRAEFIK_3_PROVIDERS = "knative kubernetesIngressNGINX plugin"
_TRAEFIK_3_OPTIONS = (
    "accessLog.dualOutput accessLog.otlp "
    "entryPoints.*.forwardedHeaders.connection "
    "entryPoints.*.http3 entryPoints.*.reusePort "
    "providers.consulCatalog.requireConsistent "
    "metrics.datadog metrics.influxDB metrics.influxDB2 metrics.otlp metrics.statsD "
    "log.otlp "
    "tracing.backend tracing.datadog tracing.elastic tracing.globalAttributes tracing.haystack "
    "tracing.instana tracing.jaeger tracing.spanNameLimit tracing.zipkin "
    "providers.precedence "
    "providers.docker.allowNonRunning "
    "providers.file.debugLogGeneratedTemplate "
    "serversTransport.spiffe tcpServersTransport.tls.spiffe"
)
# Traefik 2 had these options; Traefik 3 removed them.
_TRAEFIK_2 = "providers.docker.tls.caOptional"
_TRAEFIK_1_SECTIONS = "healthCheck tls"
_TRAEFIK_1_OPTIONS = (
    "docker.debugLogGeneratedTemplate docker.templateVersion docker.tls.caOptional docker.trace "
    "consul.debugLogGeneratedTemplate consul.templateVersion "
    "etcd.debugLogGeneratedTemplate etcd.templateVersion etcd.tls.caOptional etcd.trace "
    "consul.tls.caOptional consul.trace consulCatalog.debugLogGeneratedTemplate "
    "consulCatalog.templateVersion consulCatalog.tls.caOptional consulCatalog.trace "
    "kubernetes.constraints kubernetes.debugLogGeneratedTemplate kubernetes.enablePassTLSCert "
    "kubernetes.templateVersion kubernetes.trace kubernetes.watch "
    "marathon.debugLogGeneratedTemplate marathon.templateVersion marathon.trace marathon.tls.caOptional "
    "mesos.debugLogGeneratedTemplate mesos.templateVersion mesos.trace mesos.tls.caOptional "
    "providers.marathon.trace ecs.debugLogGeneratedTemplate ecs.templateVersion ecs.trace ecs.watch "
    "file.constraints file.debugLogGeneratedTemplate file.templateVersion file.trace "
    "web.metrics.datadog web.metrics.influxDB web.metrics.statsD "
    "zookeeper.debugLogGeneratedTemplate zookeeper.templateVersion zookeeper.tls.caOptional zookeeper.trace"
)
_REPLICAS = "latencyStrategy randomStrategy replicaStrategy useDisconnectedReplicas"
# These options decide which clients may use an entry point. `clientIPStrategy` chooses the address that
# white lists check. Traefik had it between 1.7 and 2.0 only, in no release.
_ENTRY_POINT_GUARDS = "entryPoints.*.clientIPStrategy entryPoints.*.tls.caFiles"
# These options decide which service instances and keys are routed, and that Consul Connect uses TLS only.
# A template of the user (`filename`) may add any protection.
_CATALOGUE_GUARDS = (
    "providers.consulCatalog.connectAware providers.consulCatalog.connectByDefault "
    "providers.consulCatalog.namespaces consulCatalog.filename"
)
_ETCD_GUARDS = "etcd.constraints etcd.filename"
_KUBERNETES_GUARDS = "kubernetes.filename"
_CONSUL_KEYS_GUARDS = "providers.consul.namespaces consul.constraints consul.filename"
_ZOOKEEPER_GUARDS = "zookeeper.constraints zookeeper.filename"

_MARATHON_GUARDS = "marathon.filename"
_MARATHON_LIMITS = " ".join(
    f"{section}.{option}"
    for section in ("marathon", "providers.marathon")
    for option in ("dialerTimeout", "responseHeaderTimeout", "tlsHandshakeTimeout", "keepAlive")
)


def _table(patterns: str, entry: UnservedOption, prefix: str = "") -> dict[str, UnservedOption]:
    return {prefix + pattern: entry for pattern in patterns.split()}


UNSERVED_OPTIONS: dict[str, UnservedOption] = {
    **_table(_TRAEFIK_3_SECTIONS, _NOT_YET),
    **_table(_TRAEFIK_3_PROVIDERS, _PROVIDER, "providers."),
    **_table(_TRAEFIK_3_OPTIONS, _NOT_YET),
    **_table(_TRAEFIK_2, _NOT_YET),
    **_table(_TRAEFIK_1_SECTIONS, _NOT_YET),
    **_table(_TRAEFIK_1_OPTIONS, _NOT_YET),
    **_table(_ENTRY_POINT_GUARDS, _ENTRY_POINT_GUARD),
    **_table("certificatesResolvers.*.tailscale certificatesResolvers.*.spire", _OTHER_RESOLVER),
    **_table("acme.onDemand", _ON_DEMAND),
    **_table("acme.acmeLogging", _ACME_LOG),
    **_table("cluster acme.overrideCertificates", _NO_CLUSTER),
    **_table("docker.filename", _DOCKER_TEMPLATE),
    **_table(_CATALOGUE_GUARDS, _CATALOGUE_GUARD),
    **_table(_CONSUL_KEYS_GUARDS, _CONSUL_KEYS_GUARD),
    **_table(_ZOOKEEPER_GUARDS, _ZOOKEEPER_GUARD),
    **_table("boltdb", _BOLTDB),
    **_table("dynamodb serviceFabric", _ONLY_TRAEFIK_1),
    **_table("eureka", _EUREKA),
    **_table("rancher providers.rancher", _RANCHER),
    **_table(_ETCD_GUARDS, _ETCD_GUARD),
    **_table("etcd.useAPIV3", _ETCD_API),
    **_table(_REPLICAS, _MASTER_ONLY, "providers.redis.sentinel."),
    **_table(_KUBERNETES_GUARDS, _KUBERNETES_GUARD),
    **_table("providers.kubernetesIngress.throttleDuration kubernetes.throttleDuration", _IMMEDIATE),
    **_table("providers.kubernetesGateway.throttleDuration", _IMMEDIATE),
    **_table("providers.kubernetesGateway.qps providers.kubernetesGateway.burst", _NO_QUERIES),
    **_table("api.debug", _NO_PROFILER),
    **_table("api.disableDashboardAd", _NO_ADVERTISEMENT),
    **_table("pilot", _NO_PILOT),
    **_table("global checkNewVersion sendAnonymousUsage", _NO_USAGE_DATA),
    **_table("keepTrailingSlash", _TRAILING_SLASH),
    **_table("allowMinWeightZero", _ZERO_WEIGHT),
    **_table("backends frontends http tcp udp", _ROUTING),
    **_table("log.noColor", _NO_COLOURS),
    **_table("experimental.plugins experimental.localPlugins", _PLUGINS),
    **_table("providers.consulCatalog.refreshInterval", _IMMEDIATE),
    **_table("providers.kubernetesCRD.throttleDuration", _IMMEDIATE),
    **_table("providers.consulCatalog.cache providers.consulCatalog.serviceName", _CONSUL_QUERIES),
    **_table(_MARATHON_GUARDS, _MARATHON_GUARD),
    **_table("ecs.filename", _ECS_GUARD),
    **_table("mesos.filename", _MESOS_GUARD),
    **_table(_MARATHON_LIMITS, _OWN_LIMITS),
    **_table("providers.nomad.endpoint.endpointWaitTime", _EVENTS),
    **_table("providersThrottleDuration providers.providersThrottleDuration", _IMMEDIATE),
}
