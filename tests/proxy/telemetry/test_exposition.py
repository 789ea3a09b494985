"""The page `/metrics`, rendered from values, and its generated reference page."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

import proxy.telemetry.exposition.reference as reference
from proxy.telemetry.exposition.catalogue import METRICS, Metric
from proxy.telemetry.exposition.certificate_values import MAX_CERTIFICATES
from proxy.telemetry.exposition.connection_catalogue import CONNECTION_METRICS
from proxy.telemetry.exposition.encoding import SAMPLES, encode
from proxy.telemetry.exposition.families import Families, samples
from proxy.telemetry.exposition.metric_values import ServedConfiguration, servers_up
from proxy.telemetry.exposition.page import page
from proxy.telemetry.exposition.process_usage import Processes
from proxy.telemetry.exposition.store_snapshot import Instance, StoreSnapshot
from rondpoint.configuration import Configuration
from rondpoint.model import PassiveHealthCheck, Router, Server, ServerState, Service
from rondpoint.rules import v3
from rondpoint.settings import PrometheusMetrics
from rondpoint.store.acme import AcmeState
from rondpoint.store.agents import AgentStatus, ProviderStatus
from rondpoint.store.connection_metrics import ActiveConnections, ConnectionCounts, ConnectionKey
from rondpoint.store.metric_sums import add_cells
from rondpoint.store.metrics import BOUNDS, Cell, Counts, Refusals, WorkerCounts
from rondpoint.store.server_metrics import ServerCounts, server_field
from rondpoint.store.workers import CertificateStatus, WorkerStatus
from rondpoint.tls.model import Certificate, TlsDomain
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"
NOW = 1000.0
SERVED = ServedConfiguration(
    {"a@file": Router("a@file", v3.parse("Host(`a.test`)"), "s@file", 1)},
    {"s@file": Service("s@file", (Server("s", "10.0.0.1", 80),))},
    ("deny@file",),
    connections=ActiveConnections(
        Configuration(
            udp_routers={"d@file": UdpRouter("d@file", "n@file")},
            udp_services={"n@file": UdpService("n@file", (UdpServer("n", "10.0.0.1", 53),))},
        )
    ),
)


def buckets(*counts: int) -> tuple[int, ...]:
    return (*counts, *(0,) * (len(BOUNDS) + 1 - len(counts)))


def worker(name: str, **fields: object) -> WorkerStatus:
    given: dict[str, object] = {"seen_at": NOW - 1, "confirmed_at": NOW - 2, "revision": 7, **fields}
    return WorkerStatus(name, "i", "h", 1, 1.0, **given)


def render(
    *hashes: dict[str, Counts | WorkerCounts],
    workers: tuple[WorkerStatus, ...] = (),
    servers: tuple[dict[str, ServerCounts], ...] = (),
    connections: tuple[dict[str, ConnectionCounts], ...] = (),
    processes: Processes | None = None,
    certificates: tuple[Certificate, ...] = (),
    acme: tuple[AcmeState, ...] = (),
    orders: dict[tuple[str, str], int] | None = None,
    **options: object,
) -> str:
    agents = {"x": AgentStatus("x", "h", 1, 0.0, NOW - 1, {"docker": ProviderStatus("retrying")})}
    by_name = {each.name: each for each in workers}
    instance = Instance("i", workers, hashes, servers, connections)
    ejected = ("http://10.0.0.1:80",)
    snapshot = StoreSnapshot(NOW, (instance,), agents, by_name, ejected, acme, orders or {})
    served = replace(SERVED, certificates=certificates)
    known = {} if processes is None else {"i": processes}
    pieces, content_type = page(snapshot, served, PrometheusMetrics(**options), "", lambda: None, known)
    assert content_type.startswith("text/plain")
    return b"".join(pieces).decode()


def values(text: str, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


CELL = Cell("web", "GET", 200, "http", buckets(0, 2, 1), 0.25, 30, 4)


def encoded(count: int, accept: str = "") -> list[bytes]:
    """Return the pieces of a page with one family of so many samples."""
    metric = Metric("a_total", "counter", "Text.", ("number",))
    numbers = (((str(number),), number) for number in range(count))
    pieces, _ = encode([(metric, samples(metric, [(numbers, {})]))], accept)
    return list(pieces)


OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize("accept", ["", OPEN_METRICS], ids=["text", "openmetrics"])
def test_a_long_page_comes_in_short_pieces(accept: str) -> None:
    pieces = encoded(3 * SAMPLES + 1, accept)
    assert max(piece.count(b"\n") for piece in pieces) == SAMPLES
    lines = b"".join(pieces).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f'a_total{{number="{number}"}} {float(number)}' for number in range(3 * SAMPLES + 1)
    ]
    assert sum(line.startswith("# TYPE") for line in lines) == 1
    assert lines.count("# EOF") == (1 if accept else 0)
    assert (lines[-1] == "# EOF") == bool(accept)


def test_other_work_gets_a_turn_while_a_page_is_made() -> None:
    turns: list[int] = []
    made: list[int] = []
    metric = Metric("a", "gauge", "Text.", ("number",))
    families = Families(lambda: turns.append(len(made)))

    def values() -> Iterator[tuple[tuple[str], float]]:
        for number in range(200):
            made.append(number)
            yield (str(number),), 0.0

    families.add(metric, samples(metric, [(values(), {})]))
    list(encode(families.all, "")[0])
    assert len(turns) == 10
    assert max(later - turn for turn, later in pairwise(turns)) <= 20


def test_counters_of_zero_can_be_left_out() -> None:
    counts = Counts("s@file", cells=(replace(CELL, received=0),))
    names = ("traefik_service_requests_bytes_total", "traefik_service_responses_bytes_total")
    shown, left_out = (render({"a@file": counts}, add_zero_series=zeros) for zeros in (True, False))
    assert [len(values(shown, name)) for name in names] == [1, 1]
    assert [len(values(left_out, name)) for name in names] == [0, 1]
    # A gauge of zero says something.
    assert values(left_out, "rondpoint_workers")


def test_a_server_is_up_if_it_passes_active_and_passive_health_checks() -> None:
    servers = (
        Server("s1", "h", 1),
        Server("s2", "h", 2),
        Server("s3", "h", 3, state=ServerState.DOWN),
    )
    services = {
        name: Service(name, servers, passive_health_check=check)
        for name, check in (("a", PassiveHealthCheck()), ("b", PassiveHealthCheck()), ("c", None))
    }
    found = dict(servers_up(services, {"http://h:1 a", "http://h:2"}))
    assert found == {
        ("a", "http://h:1"): 0.0,
        ("a", "http://h:2"): 1.0,
        ("a", "http://h:3"): 0.0,
        ("b", "http://h:1"): 1.0,
        ("b", "http://h:2"): 1.0,
        ("b", "http://h:3"): 0.0,
    }


def test_udp_sessions_are_counted_by_outcome() -> None:
    own = WorkerCounts(udp_sessions=3, udp_refused_sessions=2, udp_dropped_datagrams=1)
    text = render({"/worker": own}, {"/worker": own})
    assert values(text, "rondpoint_udp_sessions_total") == {
        (("outcome", "begun"),): 6,
        (("outcome", "refused"),): 4,
    }
    assert values(text, "rondpoint_udp_dropped_datagrams_total") == {(): 2}


def test_copies_for_mirrors_are_counted_by_outcome() -> None:
    own = WorkerCounts(copies_sent=3, copies_failed=2, copies_dropped=1)
    text = render({"/worker": own}, {"/worker": own})
    assert values(text, "rondpoint_mirrored_requests_total") == {
        (("outcome", "sent"),): 6,
        (("outcome", "failed"),): 4,
        (("outcome", "dropped"),): 2,
    }


def test_counts_of_workers_are_added_up() -> None:
    counts = Counts("s@file", cells=(CELL,), retries=2)
    text = render({"a@file": counts}, {"a@file": counts, "": Counts(cells=(CELL,))})
    requests = values(text, "traefik_entrypoint_requests_total")
    assert list(requests.values()) == [9]
    assert list(values(text, "traefik_service_requests_total").values()) == [6]
    assert values(text, "traefik_service_retries_total") == {(("service", "s@file"),): 4}
    assert 'le="0.1",method="GET",protocol="http",service="s@file"} 6.0' in text


def test_the_code_of_a_grpc_call_is_its_grpc_status() -> None:
    cells = [
        Cell("web", "POST", 200, "grpc", buckets(1), grpc_status=0),
        Cell("web", "POST", 200, "grpc", buckets(2), grpc_status=14),
        Cell("web", "POST", 499, "grpc", buckets(4)),
    ]
    counts = Counts("s@file", cells=add_cells([*cells, *cells]))
    found = values(render({"a@file": counts}), "traefik_entrypoint_requests_total")
    assert {dict(labels)["code"]: count for labels, count in found.items()} == {"0": 2, "14": 4, "499": 8}


def test_levels_that_are_off_are_left_out() -> None:
    text = render({"a@file": Counts("s@file", cells=(CELL,))}, add_services_labels=False)
    assert "traefik_service" not in text
    assert "traefik_router" not in text
    assert "traefik_entrypoint_requests_total" in text


def test_removed_routers_and_services_are_left_out_but_stay_in_the_sums() -> None:
    text = render(
        {"b@file": Counts("s@file", cells=(CELL,)), "t@file/": Counts("t@file", cells=(CELL,))},
        add_routers_labels=True,
    )
    assert list(values(text, "traefik_entrypoint_requests_total").values()) == [6]
    assert list(values(text, "traefik_service_requests_total").values()) == [3]
    assert values(text, "traefik_router_requests_total") == {}


def test_header_labels_appear_on_requests_total_only() -> None:
    labelled = Cell("web", "GET", 200, "http", buckets(1), labels=('a"b',))
    text = render(
        {"a@file": Counts("s@file", cells=(CELL, labelled))}, header_labels={"useragent": "User-Agent"}
    )
    requests = values(text, "traefik_entrypoint_requests_total")
    assert {dict(key)["useragent"]: value for key, value in requests.items()} == {"": 3, 'a"b': 1}
    (key,) = values(text, "traefik_entrypoint_requests_bytes_total")
    assert "useragent" not in dict(key)


def test_counts_with_other_bounds_are_converted() -> None:
    # For example, counted before a reload that changed the setting.
    cell = Cell("web", "GET", 200, "http", (1, 2, 4))
    text = render({"": Counts(cells=(cell,), bounds=(0.2, 2.0))}, buckets="0.1,0.3,5")
    found = values(text, "traefik_entrypoint_request_duration_seconds_bucket")
    assert {dict(key)["le"]: value for key, value in found.items()} == {
        "0.1": 0,
        "0.3": 1,
        "5.0": 3,
        "+Inf": 7,
    }


def test_gauges_cover_live_workers_only() -> None:
    workers = (
        worker(
            "a", connections={"web": 2}, udp_sessions={"dns": 5}, degraded=True, reloads=3, changed_at=900.0
        ),
        worker("b", connections={"web": 1, "s": 1}, revision=6, confirmed_at=NOW - 9, reloads=4),
        worker("dead", connections={"web": 9}, seen_at=NOW - 11, confirmed_at=1.0, reloads=5, revision=1),
    )
    text = render({"/worker": WorkerCounts(tickets=3, propagation=buckets(1))}, workers=workers)
    assert values(text, "traefik_open_connections") == {
        (("entrypoint", "web"), ("protocol", "TCP")): 3,
        (("entrypoint", "s"), ("protocol", "TCP")): 1,
        (("entrypoint", "dns"), ("protocol", "UDP")): 5,
    }
    assert values(text, "rondpoint_server_ejected") == {(("url", "http://10.0.0.1:80"),): 1}
    for name, value in {
        "rondpoint_workers": 2,
        "rondpoint_workers_degraded": 1,
        "rondpoint_instances": 1,
        "rondpoint_agents": 1,
        "rondpoint_config_revision": 6,
        "rondpoint_config_age_seconds": 9,
        "traefik_config_reloads_total": 5,
        "traefik_config_last_reload_success": 900,
        "rondpoint_config_propagation_seconds_count": 1,
    }.items():
        assert values(text, name) == {(): value}, name
    assert values(text, "rondpoint_tickets_total")[("source", "store"),] == 3
    assert values(text, "rondpoint_provider_up") == {(("agent", "x"), ("provider", "docker")): 0}


def test_the_certificates_that_expire_first_have_their_end() -> None:
    served = tuple(
        Certificate(f"{n}@file", "", "", (f"{n}.test", "10.0.0.1"), subject=f"{n}", serial="5", not_after=n)
        for n in range(MAX_CERTIFICATES + 5, 0, -1)
    )
    own = CertificateStatus("1", "5", "1.test", 1.0)
    text = render(workers=(worker("a", certificates=(own,)),), certificates=served)
    ends = values(text, "traefik_tls_certs_not_after")
    assert len(ends) == MAX_CERTIFICATES
    assert min(ends.values()) == 1
    assert max(ends.values()) == MAX_CERTIFICATES
    assert ends[("cn", "2"), ("sans", "2.test"), ("serial", "5")] == 2
    assert values(text, "rondpoint_tls_certificates") == {(): MAX_CERTIFICATES + 5}


def test_certificates_of_resolvers_are_counted_by_their_state() -> None:
    domain = TlsDomain("a.test")
    certificates = tuple(
        Certificate(f"{number}@acme", "", "", resolver=resolver)
        for number, resolver in enumerate(("le", "le", "zero", ""))
    )
    states = (
        AcmeState("le", domain, renew_at=5.0),
        AcmeState("le", domain, failures=1, error="no"),
        AcmeState("le", domain, error="unreachable", ordering=True),
        AcmeState("other", domain, ordering=True),
    )
    found = values(render(certificates=certificates, acme=states), "rondpoint_acme_certificates")
    assert {(dict(labels)["resolver"], dict(labels)["state"]): value for labels, value in found.items()} == {
        ("le", "obtained"): 2,
        ("zero", "obtained"): 1,
        ("le", "failing"): 2,
        ("le", "ordering"): 1,
        ("other", "ordering"): 1,
    }


def test_failed_handshakes_of_all_workers_are_added_up() -> None:
    one = WorkerCounts(handshake_failures={"web": {"name": 2, "closed": 1}})
    other = WorkerCounts(handshake_failures={"web": {"name": 1}, "s": {"timeout": 4}})
    found = values(render({"/worker": one}, {"/worker": other}), "rondpoint_tls_handshake_failures_total")
    assert {
        (dict(labels)["entrypoint"], dict(labels)["reason"]): count for labels, count in found.items()
    } == {
        ("web", "name"): 3,
        ("web", "closed"): 1,
        ("s", "timeout"): 4,
    }


def test_finished_orders_are_counted_by_outcome() -> None:
    found = values(render(orders={("le", "obtained"): 3, ("le", "names"): 1}), "rondpoint_acme_orders_total")
    assert found == {
        (("outcome", "obtained"), ("resolver", "le")): 3,
        (("outcome", "names"), ("resolver", "le")): 1,
    }


def test_current_servers_have_the_sums_of_all_workers() -> None:
    here, removed = server_field("s@file", "http://10.0.0.1:80"), server_field("s@file", "http://10.0.0.2:80")
    one = ServerCounts({200: 3, 502: 1}, buckets(4), 0.5, 2)
    other = ServerCounts({101: 1, 200: 1}, (1, 0, 0), 0.25, 0, (0.2, 2.0))
    text = render(servers=({here: one, removed: one}, {here: other}), buckets="0.1,0.3,5")
    labels = (("service", "s@file"), ("url", "http://10.0.0.1:80"))
    requests = values(text, "rondpoint_server_requests_total")
    assert requests == {
        (("code", code), *labels): number for code, number in (("101", 1), ("200", 4), ("502", 1))
    }
    assert values(text, "rondpoint_server_failures_total") == {labels: 2}
    assert values(text, "rondpoint_server_request_duration_seconds_sum") == {labels: 0.75}
    found = values(text, "rondpoint_server_request_duration_seconds_bucket")
    assert {dict(key)["le"]: value for key, value in found.items()} == {
        "0.1": 4,
        "0.3": 5,
        "5.0": 5,
        "+Inf": 5,
    }
    assert "rondpoint_server_re" not in render(servers=({here: one},), add_servers_labels=False)


def test_process_metrics_that_the_kernel_does_not_report_are_left_out() -> None:
    assert values(render(), "process_cpu_seconds_total") == values(render(), "process_max_fds") == {}
    used = Processes(1.5, 3000, 2000, None, 1024, 900.25)
    text = render(processes=used)
    assert values(text, "process_open_fds") == {}
    for name, value in {
        "process_cpu_seconds_total": 1.5,
        "process_virtual_memory_bytes": 3000,
        "process_resident_memory_bytes": 2000,
        "process_max_fds": 1024,
        "process_start_time_seconds": 900.25,
    }.items():
        assert values(text, name) == {(): value}, name


def test_connections_are_the_sums_of_all_hashes_at_each_level_that_is_wanted() -> None:
    counted = ConnectionCounts(forwarded=2, refused=1, failed=3, open=1, received=4, sent=5, dropped=6)
    router = ConnectionKey("udp", "d@file", "n@file").field
    removed_router = ConnectionKey("udp", "old@file", "n@file").field
    rest = ConnectionKey("udp", "", "n@file").field
    server = ConnectionKey("udp", "", "n@file", "udp://10.0.0.1:53").field
    # Neither is in the configuration: names of TCP are separate.
    others = [ConnectionKey("tcp", "d@file", "n@file").field, ConnectionKey("udp", "d@file", "x@file").field]
    hashes = (
        {router: counted, server: counted, rest: counted},
        {router: counted, removed_router: counted, **dict.fromkeys(others, counted)},
    )
    text = render(connections=hashes, add_routers_labels=True)
    names = {"router": "d@file", "service": "n@file"}
    at_router, at_service = tuple(sorted(names.items())), (("service", "n@file"),)
    assert values(text, "rondpoint_udp_router_sessions_total") == {
        (("outcome", outcome), *at_router): value
        for outcome, value in {"forwarded": 4, "refused": 2, "failed": 6, "aborted": 0}.items()
    }
    assert values(text, "rondpoint_udp_service_sessions_total") == {
        (("outcome", "forwarded"), *at_service): 8,
        (("outcome", "failed"), *at_service): 12,
    }
    assert values(text, "rondpoint_udp_router_open_sessions") == {at_router: 2}
    assert values(text, "rondpoint_udp_service_received_bytes_total") == {at_service: 16}
    assert values(text, "rondpoint_udp_service_sent_bytes_total") == {at_service: 20}
    assert values(text, "rondpoint_udp_router_dropped_datagrams_total") == {at_router: 12}
    at_server = (*at_service, ("url", "udp://10.0.0.1:53"))
    assert values(text, "rondpoint_udp_server_failures_total") == {at_server: 3}
    assert not values(text, "rondpoint_tcp_service_connections_total")
    for level in ("router", "service", "server"):
        left_out = render(connections=hashes, **{"add_routers_labels": True, f"add_{level}s_labels": False})
        assert f"rondpoint_udp_{level}_open" in text
        assert f"rondpoint_udp_{level}_" not in left_out


def test_the_page_renders_without_any_counts() -> None:
    text = render()
    assert values(text, "rondpoint_workers") == {(): 0}
    assert not any(math.isnan(value) for value in values(text, "rondpoint_config_age_seconds").values())


def test_the_page_has_exactly_the_metrics_of_the_catalogue() -> None:
    text = render({"a@file": Counts("s@file", cells=(CELL,))}, add_routers_labels=True)
    families = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE")}
    assert families == {metric.name: metric.kind for metric in (*METRICS, *CONNECTION_METRICS)}


@pytest.mark.parametrize("value", ["", "0", "a", "inf", "nan", [], None])
def test_invalid_buckets_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected seconds above 0"):
        PrometheusMetrics(buckets=value)


@pytest.mark.parametrize(
    "labels", [{"le": "A"}, {"1": "A"}, {"__a": "A"}, {"a": "B C"}, {"a": 1}, {"code": "X"}]
)
def test_invalid_labels_are_refused(labels: object) -> None:
    with pytest.raises(
        ValueError, match=r"cannot be the name of an additional label|not the name of a header"
    ):
        PrometheusMetrics(header_labels=labels)


def test_the_reference_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference.page(), (
        "run: python -m proxy.telemetry.exposition.reference > docs/reference/metrics.md"
    )


def test_refusals_of_routers_and_workers_are_added_up() -> None:
    def refused(*items: tuple[str, str, int]) -> Counts:
        return Counts("s@file", refusals=tuple(Refusals(name, "k", reason, n) for name, reason, n in items))

    text = render(
        {"a@file": refused(("deny@file", "forbidden", 2), ("gone@file", "rate", 9))},
        {"a@file": refused(("deny@file", "forbidden", 3)), "s@file/": refused(("deny@file", "rate", 1))},
    )
    found = values(text, "rondpoint_middleware_refusals_total")
    assert {dict(labels)["reason"]: value for labels, value in found.items()} == {"forbidden": 5, "rate": 1}
    assert {dict(labels)["middleware"] for labels in found} == {"deny@file"}
