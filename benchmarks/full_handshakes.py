"""Sends the load of full TLS handshakes with hey: wrk resumes the session of a connection's predecessor."""

from __future__ import annotations

import re

from benchmarks.errors import BenchmarkError
from benchmarks.load_report import Report
from benchmarks.peers.peer import HOST
from benchmarks.processes import program


def full_handshake_command(port: int, path: str, connections: int, seconds: int, timeout: int) -> list[str]:
    """Return the command line of hey. Raises BenchmarkError if hey is not installed."""
    return [
        program("hey", "Debian package hey"),
        "-cpus=1",
        f"-c={connections}",
        f"-z={seconds}s",
        f"-t={timeout}",
        "-disable-keepalive",
        "-disable-compression",
        f"-host={HOST}",
        f"https://127.0.0.1:{port}{path}",
    ]


def parse_summary(text: str) -> Report:
    """Read the summary of hey. Raises BenchmarkError if it has no figures, as after errors alone."""
    statuses = {
        int(status): int(count) for status, count in re.findall(r"\[(\d{3})\]\s+(\d+) responses", text)
    }
    errors = text.partition("Error distribution:")[2]
    failed = sum(int(count) for count in re.findall(r"^\s*\[(\d+)\]", errors, re.MULTILINE))
    wrong = sum(count for status, count in statuses.items() if not 200 <= status < 400)
    try:
        return Report(
            requests=sum(statuses.values()),
            duration=_microseconds(r"Total:\s+([\d.]+) secs", text),
            bytes=int(_number(r"Total data:\s+(\d+) bytes", text)),
            p50=_percentile(50, text),
            p90=_percentile(90, text),
            p99=_percentile(99, text),
            connect=failed,
            read=0,
            write=0,
            timeout=0,
            status=wrong,
        )
    except ValueError:
        raise BenchmarkError(f"hey reported no figures:\n{text}") from None


def _percentile(percent: int, text: str) -> int:
    # hey leaves the high ones out if there are few responses.
    try:
        return _microseconds(rf"{percent}% in ([\d.]+) secs", text)
    except ValueError:
        return _microseconds(r"Slowest:\s+([\d.]+) secs", text)


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise ValueError(pattern)
    return float(found[1])


def _microseconds(pattern: str, text: str) -> int:
    return round(_number(pattern, text) * 1e6)
