"""Tests of the summary of the discovery benchmark."""

from benchmarks.discovery import Arrival, summary


def test_the_summary_has_nearest_rank_percentiles_and_the_faults():
    arrivals = [Arrival(f"c{n}.bench", float(n), faults=n % 2) for n in range(1, 21)]
    assert summary(arrivals) == "20 containers, ms: min 1.0  p50 10.0  p90 18.0  max 20.0; 5xx responses: 10"
