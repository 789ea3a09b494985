"""The settings as a tree of immutable sections, with Traefik 3's names and additional ones."""

from rondpoint.logs.options import LogFormat, LogLevel
from rondpoint.settings.tree.access_log import (
    AccessLog,
    AccessLogFields,
    AccessLogFilters,
    AccessLogFormat,
    AccessLogHeaders,
    AccessLogQuery,
    FieldMode,
)
from rondpoint.settings.tree.administration import Api, BasicAuth, Log, Ping
from rondpoint.settings.tree.certificates_resolvers import (
    CertificatesResolver,
    ChallengeType,
    DnsChallenge,
    HttpChallenge,
    KeyType,
    ResolverOptions,
    TlsChallenge,
)
from rondpoint.settings.tree.client_tls import ClientTls
from rondpoint.settings.tree.consul import (
    ConsulCatalogOptions,
    ConsulEndpoint,
    ConsulHttpAuth,
    ConsulOptions,
    ConsulTls,
)
from rondpoint.settings.tree.docker import DockerOptions, DockerTls, EngineOptions, SwarmOptions
from rondpoint.settings.tree.ecs import EcsOptions
from rondpoint.settings.tree.entry_points import (
    ADMIN,
    EntryPoint,
    ForwardedHeaders,
    LifeCycle,
    Observability,
    ProxyProtocol,
    RespondingTimeouts,
    Transport,
)
from rondpoint.settings.tree.http_provider import HttpProviderOptions
from rondpoint.settings.tree.installation import AgentOptions, Limits, Redis, Store
from rondpoint.settings.tree.key_value import (
    EtcdOptions,
    RedisKeysOptions,
    RedisSentinel,
    StoreTls,
    ZooKeeperOptions,
)
from rondpoint.settings.tree.kubernetes import (
    KubernetesIngressEndpoint,
    KubernetesIngressOptions,
    KubernetesOptions,
)
from rondpoint.settings.tree.kubernetes_crd import KubernetesCrdOptions
from rondpoint.settings.tree.kubernetes_gateway import (
    KubernetesGatewayOptions,
    KubernetesServiceReference,
    KubernetesStatusAddress,
)
from rondpoint.settings.tree.marathon import MarathonBasic, MarathonOptions
from rondpoint.settings.tree.mesos import MesosOptions
from rondpoint.settings.tree.metrics import Metrics, PrometheusMetrics
from rondpoint.settings.tree.nomad import NomadEndpoint, NomadOptions
from rondpoint.settings.tree.providers import FileOptions, Providers, RestOptions
from rondpoint.settings.tree.registrator import RegistratorConsul, RegistratorOptions
from rondpoint.settings.tree.root import Settings
from rondpoint.settings.tree.section import Section, setting_key
from rondpoint.settings.tree.tracing import Otlp, OtlpHttp, OtlpTls, Tracing
from rondpoint.settings.tree.upstream import ForwardingTimeouts, ServersTransport, TcpServersTransport

__all__ = [
    "ADMIN",
    "AccessLog",
    "AccessLogFields",
    "AccessLogFilters",
    "AccessLogFormat",
    "AccessLogHeaders",
    "AccessLogQuery",
    "AgentOptions",
    "Api",
    "BasicAuth",
    "CertificatesResolver",
    "ChallengeType",
    "ClientTls",
    "ConsulCatalogOptions",
    "ConsulEndpoint",
    "ConsulHttpAuth",
    "ConsulOptions",
    "ConsulTls",
    "DnsChallenge",
    "DockerOptions",
    "DockerTls",
    "EcsOptions",
    "EngineOptions",
    "EntryPoint",
    "EtcdOptions",
    "FieldMode",
    "FileOptions",
    "ForwardedHeaders",
    "ForwardingTimeouts",
    "HttpChallenge",
    "HttpProviderOptions",
    "KeyType",
    "KubernetesCrdOptions",
    "KubernetesGatewayOptions",
    "KubernetesIngressEndpoint",
    "KubernetesIngressOptions",
    "KubernetesOptions",
    "KubernetesServiceReference",
    "KubernetesStatusAddress",
    "LifeCycle",
    "Limits",
    "Log",
    "LogFormat",
    "LogLevel",
    "MarathonBasic",
    "MarathonOptions",
    "MesosOptions",
    "Metrics",
    "NomadEndpoint",
    "NomadOptions",
    "Observability",
    "Otlp",
    "OtlpHttp",
    "OtlpTls",
    "Ping",
    "PrometheusMetrics",
    "Providers",
    "ProxyProtocol",
    "Redis",
    "RedisKeysOptions",
    "RedisSentinel",
    "RegistratorConsul",
    "RegistratorOptions",
    "ResolverOptions",
    "RespondingTimeouts",
    "RestOptions",
    "Section",
    "ServersTransport",
    "Settings",
    "Store",
    "StoreTls",
    "SwarmOptions",
    "TcpServersTransport",
    "TlsChallenge",
    "Tracing",
    "Transport",
    "ZooKeeperOptions",
    "setting_key",
]
