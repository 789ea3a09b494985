"""Tests of the load of full TLS handshakes."""

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.full_handshakes import parse_summary

SUMMARY = """
Summary:
  Total:	2.0074 secs
  Slowest:	0.1002 secs
  Requests/sec:	329.2801

  Total data:	1322 bytes
  Size/request:	2 bytes

Response time histogram:
  0.004 [1]	|
  0.013 [150]	|■■■■■■■■

Latency distribution:
  10% in 0.0108 secs
  50% in 0.0201 secs
  90% in 0.0450 secs
  99% in 0.0765 secs

Status code distribution:
  [200]	661 responses
  [502]	3 responses

Error distribution:
  [2]	Get "https://127.0.0.1:1/": EOF
  [1]	Get "https://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused
"""


def test_the_summary_gives_the_figures_of_a_report():
    report = parse_summary(SUMMARY)
    assert (report.requests, report.duration, report.bytes) == (664, 2_007_400, 1322)
    assert (report.p50, report.p90, report.p99) == (20_100, 45_000, 76_500)


def test_a_percentile_that_is_missing_is_the_slowest():
    assert parse_summary(SUMMARY.replace("99% in 0.0765", "0% in 0.0000")).p99 == 100_200


def test_statuses_of_errors_and_failed_requests_are_errors():
    assert parse_summary(SUMMARY).errors == 6
    assert parse_summary(SUMMARY.partition("  [502]")[0]).errors == 0


def test_a_summary_without_figures_is_an_error():
    with pytest.raises(BenchmarkError, match="no figures"):
        parse_summary("Error distribution:\n  [8]\tEOF\n")
