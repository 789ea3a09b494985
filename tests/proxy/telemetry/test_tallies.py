"""Counting requests by label set, and moving the counts of removed routers."""

from msgspec.structs import replace

from proxy.http1.limits import Limits
from proxy.http1.protocols import GRPC, SSE, STOPPED
from proxy.http1.request import parse_request
from proxy.telemetry.header_labels import MAX_VALUE_BYTES, HeaderLabels
from proxy.telemetry.label_sets import MAX_LABELS, OTHER, LabelSet, LabelSets
from proxy.telemetry.tallies import MAX_REFUSALS, Tallies, Tally
from rondpoint.model import Router, RouterObservability
from rondpoint.rules import v3
from rondpoint.store.metrics import BOUNDS, Counts, Refusals


def router(name: str, service: str = "s@file") -> Router:
    return Router(name, v3.parse("Host(`a.test`)"), service, 1)


def count(tally: Tally, label_set: int, method: bytes = b"GET", status: int = 200, times: int = 1) -> None:
    cell = tally.cell(label_set, method, status)
    cell.buckets[0] += times
    cell.sent += times * 10
    tally.changed = True


def total(tallies: Tallies) -> int:
    return sum(tally.requests for tally in tallies.fields().values())


def test_requests_are_counted_by_entry_point_tls_protocol_method_and_status() -> None:
    tallies = Tallies()
    plain, secure = (
        tallies.label_sets.number("web"),
        tallies.label_sets.number("web", "1.3 TLS_AES_128_GCM_SHA256"),
    )
    tally = tallies.for_router(router("r@file"))
    count(tally, plain)
    count(tally, secure, b"POST", 404, times=2)
    count(tally, tallies.label_sets.for_kind(plain, SSE))
    count(tally, tallies.label_sets.for_kind(plain, SSE | STOPPED), status=401)
    counts = tally.counts()
    assert counts.statuses == {"2xx": 2, "4xx": 3}
    assert (counts.service, counts.sent, sum(counts.buckets)) == ("s@file", 50, 5)
    counted = {
        (cell.tls, cell.method, cell.code, cell.protocol, cell.stopped): cell.requests
        for cell in counts.cells
    }
    assert counted == {
        ("", "GET", 200, "http", False): 1,
        ("1.3 TLS_AES_128_GCM_SHA256", "POST", 404, "http", False): 2,
        ("", "GET", 200, "sse", False): 1,
        ("", "GET", 401, "sse", True): 1,
    }


def test_grpc_calls_are_counted_by_their_status_too() -> None:
    tallies = Tallies()
    plain = tallies.label_sets.number("web")
    tally = tallies.for_router(router("r@file"))
    for status in (0, 0, 14, -1):
        count(tally, tallies.label_sets.for_kind(plain, GRPC, status), b"POST")
    counts = tally.counts()
    assert counts.statuses == {"2xx": 4}
    assert {cell.grpc_status: cell.requests for cell in counts.cells} == {0: 2, 14: 1, -1: 1}
    assert {(cell.code, cell.protocol) for cell in counts.cells} == {(200, "grpc")}


def test_unknown_methods_are_counted_as_one() -> None:
    tallies = Tallies()
    label_set = tallies.label_sets.number("web")
    for number in range(100):
        count(tallies.unrouted, label_set, b"M%d" % number, 404)
    (cell,) = tallies.unrouted.counts().cells
    assert (cell.method, cell.requests) == ("EXTENSION_METHOD", 100)


def test_the_number_of_label_values_is_limited() -> None:
    label_sets = LabelSets()
    plain = label_sets.number("web")
    kinds = {label_sets.labelled_kind(0, (str(number), "x")) for number in range(MAX_LABELS + 50)}
    assert len(kinds) == MAX_LABELS + 1
    last = label_sets.labelled_kind(SSE, ("one more", "x"))
    assert label_sets.all[label_sets.for_kind(plain, last)] == LabelSet(
        "web", "", "sse", False, (OTHER, OTHER)
    )


def test_a_client_that_sends_other_cannot_exceed_the_limit() -> None:
    label_sets = LabelSets()
    kinds = {label_sets.labelled_kind(0, (OTHER, str(number))) for number in range(MAX_LABELS + 50)}
    assert len(kinds) == MAX_LABELS + 1


def test_values_above_the_largest_size_count_as_other() -> None:
    label_sets = LabelSets()
    labels = HeaderLabels({"a": "X-A"}, label_sets)
    for length in (MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1):
        client_request = parse_request(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-A: %b\r\n\r\n" % (b"x" * length), Limits()
        )
        assert client_request is not None
        label_sets.for_kind(label_sets.number("web"), labels.kind(client_request))
    assert [label_set.labels for label_set in label_sets.all] == [(), ("x" * MAX_VALUE_BYTES,), (OTHER,)]


def test_a_router_stores_only_label_sets_that_it_has_seen() -> None:
    tallies = Tallies()
    plain = tallies.label_sets.number("web")
    kinds = [tallies.label_sets.labelled_kind(0, (str(number),)) for number in range(100)]
    last = [tallies.label_sets.for_kind(plain, kind) for kind in kinds][-1]
    tally = tallies.for_router(router("r@file"))
    count(tally, last)
    assert len(tally.label_sets) == 1
    assert [cell.labels for cell in tally.counts().cells] == [("99",)]


def test_counts_of_a_removed_router_move_to_its_service_and_then_to_none() -> None:
    tallies = Tallies()
    label_set = tallies.label_sets.number("web")
    count(tallies.for_router(router("a@file")), label_set, times=3)
    count(tallies.for_router(router("b@file")), label_set, times=4)
    count(tallies.unrouted, label_set, status=404)
    assert tallies.keep_only({"b@file"}, {"s@file"}) == ["a@file"]
    fields = tallies.fields()
    assert {name: tally.requests for name, tally in fields.items()} == {"": 1, "b@file": 4, "s@file/": 3}
    assert tallies.replaced == {"s@file/"}
    assert tallies.keep_only((), ()) == ["b@file", "s@file/"]
    assert {name: tally.requests for name, tally in tallies.fields().items()} == {"": 1, "/": 7}
    assert [tally.router for tally in tallies.all()] == [""]


def test_a_router_with_another_service_starts_at_zero_and_nothing_is_lost() -> None:
    tallies = Tallies()
    label_set = tallies.label_sets.number("web")
    count(tallies.for_router(router("a@file")), label_set, times=3)
    other = tallies.for_router(router("a@file", "t@file"))
    assert (other.requests, tallies.for_router(router("a@file", "t@file"))) == (0, other)
    assert total(tallies) == 3
    assert tallies.replaced == {"a@file", "s@file/"}


def test_a_router_may_leave_the_metrics_and_return() -> None:
    tallies = Tallies()
    label_set = tallies.label_sets.number("web")
    unmetered = tallies.label_sets.number("quiet", metered=False)
    chosen = replace(router("a@file"), observability=RouterObservability(metrics=False))
    for each in (router("a@file"), chosen, router("a@file")):
        tally = tallies.for_router(each)
        count(tally, label_set)
        count(tally, unmetered)
    counted = sorted(
        (cell.entry_point, cell.requests) for cell in tallies.for_router(router("a@file")).counts().cells
    )
    assert counted == [("", 1), ("", 3), ("web", 2)]
    tally = tallies.for_router(replace(router("a@file"), observability=RouterObservability(metrics=True)))
    count(tally, unmetered, status=500)
    assert [cell.entry_point for cell in tally.counts().cells if cell.code == 500] == ["quiet"]


def test_custom_buckets_are_also_reported_as_default_ones() -> None:
    bounds = tuple(sorted({*BOUNDS, 0.02, 0.2}))
    tallies = Tallies(bounds)
    tally = tallies.for_router(router("a@file"))
    cell = tally.cell(tallies.label_sets.number("web"), b"GET", 200)
    cell.buckets = [1] * (len(bounds) + 1)
    counts = tally.counts()
    assert (counts.bounds, counts.cells[0].buckets) == (bounds, (1,) * 16)
    # Counts up to 0.02 fall in the bucket up to 0.025, counts up to 0.2 in the one up to 0.3.
    assert counts.buckets == (1, 1, 1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1)


def test_a_tally_without_requests_reports_zero() -> None:
    assert Tally("a", "s").counts() == Counts("s", buckets=(0,) * (len(BOUNDS) + 1))


def test_refusals_are_counted_by_middleware_kind_and_reason_and_move_with_the_tally() -> None:
    tallies = Tallies()
    tally = tallies.for_router(router("r@file"))
    for middleware in ("deny", "deny", "users"):
        tally.count_refusal(middleware, "k", "forbidden")
    assert tally.changed
    assert tally.counts().refusals == (
        Refusals("deny", "k", "forbidden", 2),
        Refusals("users", "k", "forbidden", 1),
    )
    count(tally, tallies.label_sets.number("web"))
    tallies.keep_only((), ("s@file",))
    moved = tallies.fields()["s@file/"].counts().refusals
    assert moved == (Refusals("deny", "k", "forbidden", 2), Refusals("users", "k", "forbidden", 1))


def test_refusals_of_middlewares_that_come_and_go_are_bounded() -> None:
    tally = Tally("r@file", "s@file")
    for number in range(MAX_REFUSALS + 5):
        tally.count_refusal(f"m{number}", "k", "rate")
    kept = tally.counts().refusals
    assert (len(kept), kept[0].middleware) == (MAX_REFUSALS, "m5")
