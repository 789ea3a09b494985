"""Formats the figures as a Markdown table with ratios to the baseline, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.machine import Machine
from benchmarks.sample import Sample, combine


@dataclass(frozen=True, slots=True)
class Column:
    """One figure: its heading with the unit, its value, its format, and whether it has a ratio."""

    heading: str
    value: Callable[[Sample], float]
    number_format: str
    ratio: bool = True


COLUMNS = (
    Column("CPU µs/req", lambda sample: sample.cpu_us, ".1f"),
    Column("req/s", lambda sample: sample.per_second, ",.0f"),
    Column("p50 ms", lambda sample: sample.p50_ms, ".3f"),
    Column("p90 ms", lambda sample: sample.p90_ms, ".2f"),
    Column("p99 ms", lambda sample: sample.p99_ms, ".2f"),
    Column("PSS MiB", lambda sample: sample.pss_bytes / 2**20, ".1f"),
    Column("core %", lambda sample: sample.busy * 100, ".0f", ratio=False),
    Column("errors", lambda sample: sample.errors, "d", ratio=False),
)


class Result(msgspec.Struct, frozen=True):
    """The result of one comparison; `rounds` are samples by scenario and peer."""

    machine: Machine
    versions: Mapping[str, str]
    options: Mapping[str, float]
    rounds: Mapping[str, Mapping[str, Sequence[Sample]]]
    medians: Mapping[str, Mapping[str, Sample]]


def cell(column: Column, sample: Sample, baseline: Sample | None) -> str:
    """Return a figure and, in parentheses, its ratio to the baseline if there is one."""
    value = column.value(sample)
    text = format(value, column.number_format)
    if baseline is None or not column.ratio:
        return text
    base = column.value(baseline)
    return f"{text} ({value / base:.2f})" if base else text


def table(medians: Mapping[str, Sample], titles: Mapping[str, str], baseline: str) -> str:
    """Return a Markdown table with a row for each peer, in this order, and aligned cells.

    If the `baseline` is not among the peers, there are no ratios.
    """
    base = medians.get(baseline)
    rows = [["proxy", *(column.heading for column in COLUMNS)]]
    for name, sample in medians.items():
        rows.append([titles.get(name, name), *(cell(column, sample, base) for column in COLUMNS)])
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    rule = ["-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    lines.insert(1, _line(rule, widths))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        text.ljust(width) if index == 0 else text.rjust(width)
        for index, (text, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "| " + " | ".join([first, *rest]) + " |"


def medians(rounds: Mapping[str, Sequence[Sample]]) -> dict[str, Sample]:
    """Return one sample for each peer: the medians of its rounds."""
    return {name: combine(samples) for name, samples in rounds.items()}


def to_json(result: Result) -> bytes:
    """Return indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
