"""Tests of the table and the JSON of figures."""

import json

import msgspec
import pytest

from benchmarks.machine import Machine, parse_busy, parse_processor
from benchmarks.report import COLUMNS, Result, cell, medians, table, to_json
from benchmarks.sample import Sample, combine


def sample(**figures) -> Sample:
    defaults = {
        "cpu_us": 100.0,
        "per_second": 10_000.0,
        "p50_ms": 5.0,
        "p90_ms": 8.0,
        "p99_ms": 16.0,
        "pss_bytes": 100 * 2**20,
        "busy": 0.99,
        "requests": 50_000,
        "errors": 0,
    }
    return Sample(**defaults | figures)


CPU = COLUMNS[0]


@pytest.mark.parametrize(
    ("value", "baseline", "expected"),
    [
        (50.0, sample(), "50.0 (0.50)"),
        (100.0, sample(), "100.0 (1.00)"),
        (250.04, sample(), "250.0 (2.50)"),
        (50.0, None, "50.0"),
        (50.0, sample(cpu_us=0.0), "50.0"),
    ],
    ids=["half", "same", "more", "no baseline", "baseline of nothing"],
)
def test_a_cell_has_the_figure_and_its_ratio_to_the_baseline(value, baseline, expected):
    assert cell(CPU, sample(cpu_us=value), baseline) == expected


def test_errors_and_core_usage_have_no_ratio():
    texts = [cell(column, sample(errors=3), sample()) for column in COLUMNS[-2:]]
    assert texts == ["99", "3"]


def test_the_table_is_aligned_markdown_in_the_order_given():
    text = table(
        {"rondpoint": sample(cpu_us=50.0), "traefik": sample()},
        {"rondpoint": "Rondpoint", "traefik": "Traefik 3"},
        "traefik",
    )
    heading, rule, first, second = text.splitlines()
    assert len({len(line) for line in text.splitlines()}) == 1
    assert [name.strip() for name in heading.split("|")[1:-1]] == ["proxy", *(c.heading for c in COLUMNS)]
    assert set(rule) <= set("| -:")
    assert first.startswith("| Rondpoint |  50.0 (0.50) |")
    assert "100.0 (1.00)" in second


def test_without_the_baseline_there_are_no_ratios():
    assert "(" not in table({"nginx": sample()}, {}, "traefik")


def test_rounds_are_combined_by_medians_and_counts_by_sums():
    rounds = [sample(cpu_us=value, p99_ms=value, errors=1) for value in (10.0, 90.0, 20.0)]
    together = combine(rounds)
    assert (together.cpu_us, together.p99_ms) == (20.0, 20.0)
    assert (together.requests, together.errors) == (150_000, 3)
    assert medians({"x": rounds}) == {"x": together}


def test_the_json_can_be_decoded_again():
    result = Result(
        machine=Machine("Debian", "6.1", "Some CPU", 2, 8 * 2**30, "3.11"),
        versions={"traefik": "Traefik 3"},
        options={"seconds": 5},
        rounds={"small": {"traefik": [sample(), sample()]}},
        medians={"small": {"traefik": sample()}},
    )
    text = to_json(result)
    assert msgspec.json.decode(text, type=Result) == result
    assert json.loads(text)["medians"]["small"]["traefik"]["cpu_us"] == 100.0


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [("processor\t: 0\nmodel name\t: Some CPU: v2\n", "Some CPU: v2"), ("CPU part : 0xd0c\n", "unknown")],
)
def test_the_processors_model_is_read(cpuinfo, expected):
    assert parse_processor(cpuinfo) == expected


def test_idle_time_and_disk_waits_are_not_busy_but_stolen_time_is():
    #         user nice system idle iowait irq softirq steal guest guest_nice
    assert parse_busy("cpu  10 1 20 500 30 2 3 4 7 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n") == (40, 570)
