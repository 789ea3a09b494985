"""Runs the load with wrk, h2load (HTTP/2) or hey (full TLS handshakes), and reads the report."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.errors import BenchmarkError
from benchmarks.full_handshakes import full_handshake_command, parse_summary
from benchmarks.h2load import h2load_command, parse_output
from benchmarks.load_report import Report
from benchmarks.peers.peer import HOST
from benchmarks.processes import on_core, program
from benchmarks.scenarios import Scenario

SCRIPT = Path(__file__).with_name("wrk_report.lua")
RESPONSE_SECONDS = 5
# The time in seconds that wrk may take beyond its given time.
GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Load:
    """Clients on `core` that send requests of `scenario` to loopback port `port` without pause.

    They use `connections` connections, unless the scenario has its own number. Files go to `directory`.
    """

    scenario: Scenario
    port: int
    connections: int
    core: int
    directory: Path

    def command(self, seconds: int) -> list[str]:
        """Return the command line. Raises BenchmarkError if the program is not installed."""
        connections = self.scenario.connections or self.connections
        if self.scenario.full_handshakes:
            return full_handshake_command(
                self.port, self.scenario.path, connections, seconds, RESPONSE_SECONDS
            )
        if self.scenario.streams:
            return h2load_command(self.scenario, self.port, connections, seconds, self._log, self._content())
        headers = ["-H", f"Host: {HOST}"]
        if self.scenario.new_connections:
            headers += ["-H", "Connection: close"]
        for name, value in self.scenario.headers.items():
            headers += ["-H", f"{name}: {value}"]
        return [
            program("wrk", "Debian package wrk"),
            "--threads=1",
            f"--connections={connections}",
            f"--duration={seconds}s",
            f"--timeout={RESPONSE_SECONDS}s",
            f"--script={SCRIPT}",
            *headers,
            f"{'https' if self.scenario.tls else 'http'}://127.0.0.1:{self.port}{self.scenario.path}",
        ]

    def run(self, seconds: int) -> Report:
        """Run the load. Raises BenchmarkError if its program fails or bodies were too short."""
        file = self.directory / f"wrk-{self.port}.json"
        self._log.unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        finished = subprocess.run(
            on_core(self.core, self.command(seconds)),
            env={
                **os.environ,
                "RONDPOINT_BENCH_REPORT": str(file),
                "RONDPOINT_BENCH_UPLOAD": str(self.scenario.upload),
                "RONDPOINT_BENCH_VARIED": "yes" if self.scenario.varied else "",
            },
            capture_output=True,
            text=True,
            timeout=seconds + GRACE_SECONDS,
            check=False,
        )
        by_wrk = not (self.scenario.full_handshakes or self.scenario.streams)
        if finished.returncode != 0 or (by_wrk and not file.exists()):
            raise BenchmarkError(
                f"the load ended with {finished.returncode}: {finished.stdout}{finished.stderr}"
            )
        if by_wrk:
            report = msgspec.json.decode(file.read_bytes(), type=Report)
        elif self.scenario.streams:
            report = parse_output(finished.stdout, self._log)
        else:
            report = parse_summary(finished.stdout)
        if report.requests == 0:
            raise BenchmarkError(f"the load counted no responses: {report}")
        if not self.scenario.compressed and report.bytes < report.requests * self.scenario.size:
            raise BenchmarkError(f"responses were shorter than {self.scenario.size} bytes: {report}")
        return report

    @property
    def _log(self) -> Path:
        return self.directory / f"h2load-{self.port}.log"

    def _content(self) -> Path | None:
        """Write the request's body to a file, if there is one; return its path."""
        if not self.scenario.content:
            return None
        file = self.directory / f"content-{self.port}"
        file.write_bytes(self.scenario.content)
        return file
