"""The figures as a table for eyes, each with its ratio to the baseline's, and as JSON for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.machine import Machine
from benchmarks.sample import Sample, combine


@dataclass(frozen=True, slots=True)
class Column:
    """One figure: its heading with the unit, its value, how it is written, whether a ratio makes sense."""

    heading: str
    value: Callable[[Sample], float]
    form: str
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
    """Everything one run of the comparison says; `rounds` are samples by scenario and peer."""

    machine: Machine
    versions: Mapping[str, str]
    options: Mapping[str, float]
    rounds: Mapping[str, Mapping[str, Sequence[Sample]]]
    medians: Mapping[str, Mapping[str, Sample]]


def cell(column: Column, sample: Sample, baseline: Sample | None) -> str:
    """A figure, and in parentheses its ratio to the baseline's where there is one."""
    value = column.value(sample)
    text = format(value, column.form)
    if baseline is None or not column.ratio:
        return text
    base = column.value(baseline)
    return f"{text} ({value / base:.2f})" if base else text


def table(medians: Mapping[str, Sample], titles: Mapping[str, str], baseline: str) -> str:
    """A Markdown table, a row for each peer in the order given, cells aligned for reading as it is.

    Without the `baseline` among the peers there are no ratios.
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
    """One sample for each peer out of its rounds."""
    return {name: combine(samples) for name, samples in rounds.items()}


def to_json(result: Result) -> bytes:
    """Indented JSON with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
