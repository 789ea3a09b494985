"""The metrics as prometheus_client writes them out, sample after sample as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from proxy.telemetry.exposition.catalogue import Level, Metric
from proxy.telemetry.exposition.totals import Labels, LevelTotals, Sums

SLICE = 50
"""Samples written without a pause."""

Common = Mapping[str, str]


class YieldingSamples:
    """Samples whose writing lets others have their turn; to be gone through once."""

    def __init__(self, samples: Iterable[Sample], yield_if_due: Callable[[], None]) -> None:
        self._samples = samples
        self._yield_if_due = yield_if_due

    def __iter__(self) -> Iterator[Sample]:
        for number, sample in enumerate(self._samples):
            if not number % SLICE:
                self._yield_if_due()
            yield sample


class Families(Collector):
    """Gives its families once, in the order they were put in."""

    def __init__(self, yield_if_due: Callable[[], None]) -> None:
        self._yield_if_due = yield_if_due
        self._families: list[Family] = []

    def collect(self) -> Iterable[Family]:
        return self._families

    def put(self, metric: Metric, its_samples: Iterable[Sample]) -> None:
        """Add one with its samples."""
        family = Family(metric.name.removesuffix("_total"), metric.help, metric.kind)
        family.samples = YieldingSamples(its_samples, self._yield_if_due)  # type: ignore[assignment]
        self._families.append(family)


def samples(metric: Metric, told: Iterable[tuple[Mapping[Labels, float], Common]]) -> Iterator[Sample]:
    """One for each set of labels; those in common come besides."""
    for values, common in told:
        for labels, value in values.items():
            yield Sample(metric.name, _labels(metric, labels, common), value)


def histogram(
    metric: Metric,
    buckets: Iterable[int],
    bounds: Iterable[float],
    seconds: float,
    labels: Mapping[str, str],
) -> Iterator[Sample]:
    """From buckets each for its own interval to those of Prometheus, each with all below it."""
    count = 0
    for bound, requests in zip((*map(str, bounds), "+Inf"), buckets, strict=True):
        count += requests
        yield Sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
    yield Sample(f"{metric.name}_count", dict(labels), count)
    yield Sample(f"{metric.name}_sum", dict(labels), seconds)


def put_level(
    families: Families,
    level: Level,
    told: list[tuple[LevelTotals, Common]],
    bounds: tuple[float, ...],
    header_labels: tuple[str, ...],
) -> None:
    """Add one level's families."""

    def put(metric: Metric, value: Callable[[Sums], float]) -> None:
        by_labels = (
            ({key: value(sums) for key, sums in totals.sums.items()}, common) for totals, common in told
        )
        families.put(metric, samples(metric, by_labels))

    if header_labels:
        names = (*level.requests.labels, *header_labels)
        metric = Metric(level.requests.name, "counter", level.requests.help, names)
        families.put(metric, samples(metric, ((totals.labelled, common) for totals, common in told)))
    else:
        put(level.requests, lambda sums: sums.requests)
    families.put(level.tls, samples(level.tls, ((totals.tls, common) for totals, common in told)))
    families.put(level.duration, _durations(level.duration, told, bounds))
    put(level.received, lambda sums: sums.received)
    put(level.sent, lambda sums: sums.sent)


def _durations(
    metric: Metric, told: list[tuple[LevelTotals, Common]], bounds: tuple[float, ...]
) -> Iterator[Sample]:
    for totals, common in told:
        for labels, sums in totals.sums.items():
            if any(sums.buckets):
                its_labels = _labels(metric, labels, common)
                yield from histogram(metric, sums.buckets, bounds, sums.seconds, its_labels)


def _labels(metric: Metric, values: Labels, common: Common) -> dict[str, str]:
    return {**dict(zip(metric.labels, values, strict=True)), **common}
