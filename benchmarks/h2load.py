"""Sends the load of HTTP/2 with nghttp2's h2load, and reads its report."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.load_report import Report
from benchmarks.peers.peer import HOST
from benchmarks.processes import program
from benchmarks.quantiles import percentile
from benchmarks.scenarios import Scenario


def h2load_command(
    scenario: Scenario, port: int, connections: int, seconds: int, log: Path, content: Path | None
) -> list[str]:
    """Return the command line of h2load. Raises BenchmarkError if h2load is not installed."""
    headers = {":authority": HOST, **scenario.headers}
    return [
        program("h2load", "Debian package nghttp2-client"),
        f"--clients={connections}",
        f"--max-concurrent-streams={scenario.streams}",
        f"--duration={seconds}",
        f"--log-file={log}",
        *(f"--header={name.lower()}: {value}" for name, value in headers.items()),
        *([f"--data={content}"] if content else []),
        f"{'https' if scenario.tls else 'http'}://127.0.0.1:{port}{scenario.path}",
    ]


def parse_output(text: str, log: Path) -> Report:
    """Read the output of h2load, and the latencies from its log.

    Raises BenchmarkError without figures, and for another protocol than HTTP/2.
    """
    try:
        protocol = _group(r"^Application protocol: (\S+)$", text)
        counts = _counts(r"^requests: (.*)$", text)
        statuses = _counts(r"^status codes: (.*)$", text)
        seconds = float(_group(r"^finished in ([\d.]+)s,", text))
        received = int(_group(r"^traffic: .*\((\d+)\) data$", text))
        # Each line: the start in µs, the status, the µs until the end of the response.
        latencies = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
        p50, p90, p99 = (round(percentile(latencies, share)) for share in (50, 90, 99))
    except (ValueError, LookupError, FileNotFoundError):
        raise BenchmarkError(f"h2load reported no figures:\n{text}") from None
    if protocol not in {"h2", "h2c"}:
        raise BenchmarkError(f"h2load spoke {protocol}, not HTTP/2")
    requests = counts["done"]
    return Report(
        requests=requests,
        duration=round(seconds * 1e6),
        bytes=received,
        p50=p50,
        p90=p90,
        p99=p99,
        connect=0,
        read=counts["failed"],
        write=0,
        timeout=counts["timeout"],
        status=statuses["4xx"] + statuses["5xx"],
    )


def _counts(pattern: str, text: str) -> dict[str, int]:
    """Return the counts by their names from `3 total, 2 done, 1 failed`."""
    return {
        name: int(count)
        for count, _, name in (part.partition(" ") for part in _group(pattern, text).split(", "))
    }


def _group(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise ValueError(pattern)
    return found[1]
