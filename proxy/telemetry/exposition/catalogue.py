"""Every metric there is: its name, kind, labels and meaning; docs/reference/metrics.md is made from it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["counter", "gauge", "histogram"]


class Metric(Struct, frozen=True):
    """`name` as it is written; of a histogram, without what its samples add. `setting` must be on for it."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    setting: str = ""


class Level(Struct, frozen=True):
    """What is counted of requests on one level: at entry points, at routers, at services."""

    requests: Metric
    tls: Metric
    duration: Metric
    received: Metric
    sent: Metric

    def metrics(self) -> tuple[Metric, ...]:
        return (self.requests, self.tls, self.duration, self.received, self.sent)


class ServerLevel(Struct, frozen=True):
    """What is counted of requests at servers."""

    requests: Metric
    duration: Metric
    failures: Metric

    def metrics(self) -> tuple[Metric, ...]:
        return (self.requests, self.duration, self.failures)


_OF_SERVERS = "metrics.prometheus.addServersLabels"


def _level(level: str, where: str, labels: tuple[str, ...], setting: str) -> Level:
    plain = ("code", "method", "protocol", *labels)
    setting = f"metrics.prometheus.{setting}"

    def metric(name: str, kind: Kind, text: str, its_labels: tuple[str, ...] = plain) -> Metric:
        return Metric(f"traefik_{level}_{name}", kind, text.format(where), its_labels, setting)

    return Level(
        metric("requests_total", "counter", "Requests {}."),
        metric(
            "requests_tls_total", "counter", "Requests {} over TLS.", ("tls_version", "tls_cipher", *labels)
        ),
        metric(
            "request_duration_seconds", "histogram", "Time from a request's head to its answer's end, {}."
        ),
        metric("requests_bytes_total", "counter", "Bytes of the bodies of requests {}."),
        metric("responses_bytes_total", "counter", "Bytes of the bodies of answers to requests {}."),
    )


CONFIG_RELOADS = Metric("traefik_config_reloads_total", "counter", "Revisions put in force.")
CONFIG_LAST_RELOAD = Metric(
    "traefik_config_last_reload_success", "gauge", "When the last revision came into force, in Unix seconds."
)
OPEN_CONNECTIONS = Metric(
    "traefik_open_connections", "gauge", "Connections of clients open now.", ("entrypoint", "protocol")
)
CERTIFICATES = Metric(
    "traefik_tls_certs_not_after",
    "gauge",
    "Until when a certificate of an entry point is valid, in Unix seconds, as workers have loaded it.",
    ("cn", "serial", "sans"),
)
ENTRY_POINTS = _level("entrypoint", "that came to an entry point", ("entrypoint",), "addEntryPointsLabels")
ROUTERS = _level("router", "that a router took", ("router", "service"), "addRoutersLabels")
SERVICES = _level("service", "that came to a service", ("service",), "addServicesLabels")
RETRIES = Metric(
    "traefik_service_retries_total",
    "counter",
    "Requests sent to one more server, because one could not be reached.",
    ("service",),
    "metrics.prometheus.addServicesLabels",
)
SERVER_UP = Metric(
    "traefik_service_server_up",
    "gauge",
    "Whether a server's health check succeeds; of services that have one.",
    ("service", "url"),
    "metrics.prometheus.addServicesLabels",
)
SERVERS = ServerLevel(
    Metric(
        "rondpoint_server_requests_total",
        "counter",
        "Requests that a server was the last to be asked for.",
        ("service", "url", "code"),
        _OF_SERVERS,
    ),
    Metric(
        "rondpoint_server_request_duration_seconds",
        "histogram",
        "Time from such a request's head to its answer's end.",
        ("service", "url"),
        _OF_SERVERS,
    ),
    Metric(
        "rondpoint_server_failures_total",
        "counter",
        "Attempts that a server gave no answer to: refused, reset or timed out.",
        ("service", "url"),
        _OF_SERVERS,
    ),
)
TICKETS = Metric(
    "rondpoint_tickets_total",
    "counter",
    "Tickets that say whose turn it is: from the `store`, or, while that does not answer in time, `local`.",
    ("source",),
)
LATE_TICKETS = Metric(
    "rondpoint_tickets_late_total",
    "counter",
    "Of the `local` ones, those for which a request had waited for the store, in vain.",
)
DEGRADED = Metric("rondpoint_workers_degraded", "gauge", "Workers that hand out tickets of their own now.")
WORKERS = Metric("rondpoint_workers", "gauge", "Workers of this instance that have given a sign lately.")
INSTANCES = Metric("rondpoint_instances", "gauge", "Instances with such workers, on the same store.")
AGENTS = Metric("rondpoint_agents", "gauge", "Discovery agents that have given a sign lately.")
PROVIDER_UP = Metric(
    "rondpoint_provider_up", "gauge", "Whether an agent's provider is followed now.", ("agent", "provider")
)
REVISION = Metric(
    "rondpoint_config_revision", "gauge", "The revision in force; the lowest, where workers differ."
)
AGE = Metric(
    "rondpoint_config_age_seconds",
    "gauge",
    "Time since the configuration in force was last seen to be the store's; the longest of all workers. A "
    "few seconds are normal.",
)
PROPAGATION = Metric(
    "rondpoint_config_propagation_seconds",
    "histogram",
    "Time from a change's publication, by the agent's clock, until it was in force in a worker, by its own; "
    "once for each worker.",
)
EJECTED = Metric(
    "rondpoint_server_put_aside",
    "gauge",
    "1 for a server that takes no new requests for now, because a worker could not reach it.",
    ("url",),
)
UPGRADES = Metric("rondpoint_open_upgrades", "gauge", "Connections that are tunnels now (WebSocket).")
DROPPED_LINES = Metric(
    "rondpoint_access_log_dropped_lines_total",
    "counter",
    "Lines of the access log that could not be written.",
)
DROPPED_SPANS = Metric(
    "rondpoint_tracing_dropped_spans_total", "counter", "Spans that no collector has taken."
)
CPU = Metric(
    "process_cpu_seconds_total", "counter", "CPU time of the master and of all workers there have been."
)
RESIDENT_MEMORY = Metric(
    "process_resident_memory_bytes",
    "gauge",
    "Memory that master and workers have in use; what they share is in each one's.",
)
VIRTUAL_MEMORY = Metric("process_virtual_memory_bytes", "gauge", "Address space of master and workers.")
OPEN_FDS = Metric("process_open_fds", "gauge", "File descriptors that master and workers have open.")
MAX_FDS = Metric("process_max_fds", "gauge", "File descriptors that a worker may have open.")
START_TIME = Metric("process_start_time_seconds", "gauge", "When the master began, in Unix seconds.")

METRICS: tuple[Metric, ...] = (
    CONFIG_RELOADS,
    CONFIG_LAST_RELOAD,
    OPEN_CONNECTIONS,
    CERTIFICATES,
    *ENTRY_POINTS.metrics(),
    *ROUTERS.metrics(),
    *SERVICES.metrics(),
    RETRIES,
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
    CPU,
    RESIDENT_MEMORY,
    VIRTUAL_MEMORY,
    OPEN_FDS,
    MAX_FDS,
    START_TIME,
)
