"""Metric families, whose samples are generated while they are encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.samples import Sample

from proxy.telemetry.exposition.catalogue import Level, Metric
from proxy.telemetry.exposition.totals import Labels, LevelTotals, Sums

SLICE = 20
"""Samples made between two yields."""

Common = Mapping[str, str]
Values = Iterable[tuple[Labels, float]]
"""Values by labels, made one at a time: there may be so many that a dictionary would hold up requests."""


class Families:
    """Metrics with their samples, in order of addition; counters of zero are left out unless `zeros`."""

    def __init__(self, yield_if_due: Callable[[], None], *, zeros: bool = True) -> None:
        self._yield_if_due = yield_if_due
        self._zeros = zeros
        self.all: list[tuple[Metric, Iterator[Sample]]] = []

    def add(self, metric: Metric, metric_samples: Iterable[Sample]) -> None:
        """Add the family of a metric with its samples."""
        shown = self._shown(metric_samples, self._zeros or metric.kind != "counter")
        self.all.append((metric, shown))

    def _shown(self, metric_samples: Iterable[Sample], zeros: bool) -> Iterator[Sample]:
        for number, sample in enumerate(metric_samples):
            if not number % SLICE:
                self._yield_if_due()
            if zeros or sample.value:
                yield sample


def samples(metric: Metric, groups: Iterable[tuple[Values, Common]]) -> Iterator[Sample]:
    """Yield one sample for each set of labels; add the common labels of its group."""
    for values, common in groups:
        for labels, value in values:
            yield Sample(metric.name, _labels(metric, labels, common), value)


def histogram(
    metric: Metric,
    buckets: Iterable[int],
    bounds: Iterable[float],
    seconds: float,
    labels: Mapping[str, str],
) -> Iterator[Sample]:
    """Yield the samples of a histogram; make Prometheus's cumulative buckets from buckets per interval."""
    count = 0
    for bound, requests in zip((*map(str, bounds), "+Inf"), buckets, strict=True):
        count += requests
        yield Sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
    yield Sample(f"{metric.name}_count", dict(labels), count)
    yield Sample(f"{metric.name}_sum", dict(labels), seconds)


def add_level(
    families: Families,
    level: Level,
    groups: list[tuple[LevelTotals, Common]],
    bounds: tuple[float, ...],
    header_labels: tuple[str, ...],
) -> None:
    """Add the families of one level."""

    def add(metric: Metric, value: Callable[[Sums], float]) -> None:
        values = (
            (((key, value(sums)) for key, sums in totals.sums.items()), common) for totals, common in groups
        )
        families.add(metric, samples(metric, values))

    if header_labels:
        names = (*level.requests.labels, *header_labels)
        metric = Metric(level.requests.name, "counter", level.requests.help, names)
        families.add(
            metric, samples(metric, ((totals.labelled.items(), common) for totals, common in groups))
        )
    else:
        add(level.requests, lambda sums: sums.requests)
    families.add(level.tls, samples(level.tls, ((totals.tls.items(), common) for totals, common in groups)))
    families.add(level.duration, _durations(level.duration, groups, bounds))
    add(level.received, lambda sums: sums.received)
    add(level.sent, lambda sums: sums.sent)


def _durations(
    metric: Metric, groups: list[tuple[LevelTotals, Common]], bounds: tuple[float, ...]
) -> Iterator[Sample]:
    for totals, common in groups:
        for labels, sums in totals.sums.items():
            if any(sums.buckets):
                sample_labels = _labels(metric, labels, common)
                yield from histogram(metric, sums.buckets, bounds, sums.seconds, sample_labels)


def _labels(metric: Metric, values: Labels, common: Common) -> dict[str, str]:
    return {**dict(zip(metric.labels, values, strict=True)), **common}
