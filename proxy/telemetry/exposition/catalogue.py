"""All metrics with name, kind, labels and meaning; docs/reference/metrics.md is generated from it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram"]


class Metric(Struct, frozen=True):
    """One metric: for a histogram, `name` has no sample suffix; `setting`, if any, enables the metric."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    setting: str = ""


class Level(Struct, frozen=True):
    """The request metrics of one level: entry points, routers or services."""

    requests: Metric
    tls: Metric
    duration: Metric
    received: Metric
    sent: Metric

    def metrics(self) -> tuple[Metric, ...]:
        return (self.requests, self.tls, self.duration, self.received, self.sent)


class ServerLevel(Struct, frozen=True):
    """The request metrics of servers."""

    requests: Metric
    duration: Metric
    failures: Metric

    def metrics(self) -> tuple[Metric, ...]:
        return (self.requests, self.duration, self.failures)


_SERVERS_SETTING = "metrics.prometheus.addServersLabels"


def _level(level: str, scope: str, labels: tuple[str, ...], setting: str) -> Level:
    default_labels = ("code", "method", "protocol", *labels)
    setting = f"metrics.prometheus.{setting}"

    def metric(name: str, kind: Kind, text: str, metric_labels: tuple[str, ...] = default_labels) -> Metric:
        return Metric(f"traefik_{level}_{name}", kind, text.format(scope), metric_labels, setting)

    return Level(
        metric("requests_total", "counter", "Requests {}."),
        metric(
            "requests_tls_total", "counter", "Requests {} over TLS.", ("tls_version", "tls_cipher", *labels)
        ),
        metric(
            "request_duration_seconds",
            "histogram",
            "Time from the request head to the end of the response, for requests {}.",
        ),
        metric("requests_bytes_total", "counter", "Bytes in the bodies of requests {}."),
        metric("responses_bytes_total", "counter", "Bytes in the bodies of responses to requests {}."),
    )


CONFIG_RELOADS = Metric("traefik_config_reloads_total", "counter", "Configuration revisions applied.")
CONFIG_LAST_RELOAD = Metric(
    "traefik_config_last_reload_success", "gauge", "Time when the last revision was applied, in Unix seconds."
)
OPEN_CONNECTIONS = Metric(
    "traefik_open_connections",
    "gauge",
    "Open client connections, and UDP sessions.",
    ("entrypoint", "protocol"),
)
CERTIFICATES = Metric(
    "traefik_tls_certs_not_after",
    "gauge",
    "Expiry time of a certificate, in Unix seconds: of those of entry points, and of the 1,000 others that "
    "expire first.",
    ("cn", "serial", "sans"),
)
ENTRY_POINTS = _level("entrypoint", "received by an entry point", ("entrypoint",), "addEntryPointsLabels")
ROUTERS = _level("router", "matched by a router", ("router", "service"), "addRoutersLabels")
SERVICES = _level("service", "that reached a service", ("service",), "addServicesLabels")
RETRIES = Metric(
    "traefik_service_retries_total",
    "counter",
    "Requests sent to one more server because a server could not be reached.",
    ("service",),
    "metrics.prometheus.addServicesLabels",
)
REFUSALS = Metric(
    "rondpoint_middleware_refusals_total",
    "counter",
    "Requests that a middleware refused, by reason.",
    ("middleware", "kind", "reason"),
)
SERVER_UP = Metric(
    "traefik_service_server_up",
    "gauge",
    "1 if the server passes the service's health checks, active and passive ones, else 0; only for services "
    "with one.",
    ("service", "url"),
    "metrics.prometheus.addServicesLabels",
)
SERVERS = ServerLevel(
    Metric(
        "rondpoint_server_requests_total",
        "counter",
        "Requests whose last attempt went to the server.",
        ("service", "url", "code"),
        _SERVERS_SETTING,
    ),
    Metric(
        "rondpoint_server_request_duration_seconds",
        "histogram",
        "Time from the request head to the end of the response, for these requests.",
        ("service", "url"),
        _SERVERS_SETTING,
    ),
    Metric(
        "rondpoint_server_failures_total",
        "counter",
        "Attempts without a response from the server: refused, reset or timed out.",
        ("service", "url"),
        _SERVERS_SETTING,
    ),
)
TICKETS = Metric(
    "rondpoint_tickets_total",
    "counter",
    "Round robin tickets: from the `store`, or `local` ones while the store does not respond in time.",
    ("source",),
)
LATE_TICKETS = Metric(
    "rondpoint_tickets_late_total",
    "counter",
    "The `local` tickets for which a request first waited for the store until the timeout.",
)
DEGRADED = Metric("rondpoint_workers_degraded", "gauge", "Workers that use local tickets now.")
WORKERS = Metric("rondpoint_workers", "gauge", "Live workers of this instance.")
INSTANCES = Metric("rondpoint_instances", "gauge", "Instances with live workers on the same store.")
AGENTS = Metric("rondpoint_agents", "gauge", "Live discovery agents.")
PROVIDER_UP = Metric(
    "rondpoint_provider_up",
    "gauge",
    "1 if the agent follows the provider now, else 0.",
    ("agent", "provider"),
)
REVISION = Metric(
    "rondpoint_config_revision", "gauge", "The revision that workers use; the lowest if they differ."
)
AGE = Metric(
    "rondpoint_config_age_seconds",
    "gauge",
    "Time since a worker last confirmed that its configuration is the store's; the longest of all workers. A "
    "few seconds are normal.",
)
PROPAGATION = Metric(
    "rondpoint_config_propagation_seconds",
    "histogram",
    "Time from the publication of a change (agent's clock) until a worker applied it (worker's clock); once "
    "for each worker.",
)
EJECTED = Metric(
    "rondpoint_server_ejected",
    "gauge",
    "1 for a server that is ejected: a worker could not reach it, or it failed a TLS handshake or a passive "
    "health check.",
    ("url",),
)
UPGRADES = Metric("rondpoint_open_upgrades", "gauge", "Open upgraded connections (WebSocket tunnels).")
DROPPED_LINES = Metric(
    "rondpoint_access_log_dropped_lines_total",
    "counter",
    "Access log lines that could not be written.",
)
DROPPED_SPANS = Metric(
    "rondpoint_tracing_dropped_spans_total", "counter", "Spans that no collector has accepted."
)
COPIES = Metric(
    "rondpoint_mirrored_requests_total",
    "counter",
    "Copies of requests for mirrors: `sent` ones got a response; `failed` ones did not, or a middleware "
    "refused them; `dropped` ones were not sent, because too many were on their way.",
    ("outcome",),
)
HANDSHAKE_FAILURES = Metric(
    "rondpoint_tls_handshake_failures_total",
    "counter",
    "Failed TLS handshakes with clients, by reason.",
    ("entrypoint", "reason"),
)
UDP_SESSIONS = Metric(
    "rondpoint_udp_sessions_total",
    "counter",
    "UDP sessions: `begun` ones, and `refused` ones, for which there was no room.",
    ("outcome",),
)
UDP_DROPPED_DATAGRAMS = Metric(
    "rondpoint_udp_dropped_datagrams_total",
    "counter",
    "Datagrams of clients that were dropped, because there was no router or no server for them.",
)
TLS_CERTIFICATES = Metric(
    "rondpoint_tls_certificates",
    "gauge",
    "Certificates in the configuration, in addition to those of entry points.",
)
ACME_CERTIFICATES = Metric(
    "rondpoint_acme_certificates",
    "gauge",
    "Certificates of a resolver: `obtained` ones are in force, `failing` ones are those whose last order "
    "failed, `ordering` ones those whose order is under way. A certificate that cannot be renewed is both "
    "`obtained` and `failing`.",
    ("resolver", "state"),
)
ACME_ORDERS = Metric(
    "rondpoint_acme_orders_total",
    "counter",
    "Finished orders of certificates by outcome: `obtained`, or what they failed by.",
    ("resolver", "outcome"),
)
CPU = Metric(
    "process_cpu_seconds_total", "counter", "CPU time of the master and of all workers, ended ones included."
)
RESIDENT_MEMORY = Metric(
    "process_resident_memory_bytes",
    "gauge",
    "Memory in use by master and workers; shared memory counts once for each of them.",
)
VIRTUAL_MEMORY = Metric("process_virtual_memory_bytes", "gauge", "Address space of master and workers.")
OPEN_FDS = Metric("process_open_fds", "gauge", "Open file descriptors of master and workers.")
MAX_FDS = Metric("process_max_fds", "gauge", "Limit of open file descriptors of one worker.")
START_TIME = Metric("process_start_time_seconds", "gauge", "Start time of the master, in Unix seconds.")

METRICS: tuple[Metric, ...] = (
    CONFIG_RELOADS,
    CONFIG_LAST_RELOAD,
    OPEN_CONNECTIONS,
    CERTIFICATES,
    *ENTRY_POINTS.metrics(),
    *ROUTERS.metrics(),
    *SERVICES.metrics(),
    RETRIES,
    REFUSALS,
    SERVER_UP,
    *SERVERS.metrics(),
    REVISION,
    AGE,
    PROPAGATION,
    TICKETS,
    LATE_TICKETS,
    DEGRADED,
    WORKERS,
    INSTANCES,
    AGENTS,
    PROVIDER_UP,
    EJECTED,
    UPGRADES,
    DROPPED_LINES,
    DROPPED_SPANS,
    COPIES,
    HANDSHAKE_FAILURES,
    UDP_SESSIONS,
    UDP_DROPPED_DATAGRAMS,
    TLS_CERTIFICATES,
    ACME_CERTIFICATES,
    ACME_ORDERS,
    CPU,
    RESIDENT_MEMORY,
    VIRTUAL_MEMORY,
    OPEN_FDS,
    MAX_FDS,
    START_TIME,
)
