"""Rondpoint with one worker: `rondpoint up`, so the store, the agent and gunicorn's master also count."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.dashboard import read_events
from benchmarks.errors import BenchmarkError
from benchmarks.peers.dynamic import write_dynamic
from benchmarks.peers.peer import COLLECTOR, Peer, Site
from benchmarks.processes import Launch
from benchmarks.processes import program as find_program


def rondpoint_program() -> str:
    """Return the path of Rondpoint's command. Raises BenchmarkError if it is not installed."""
    installed = Path(sys.executable).parent / "rondpoint"
    return str(installed) if installed.exists() else find_program("rondpoint", "pip install -e .")


def _prepare(site: Site, *flags: str, program: str | None = None) -> Launch:
    state = site.directory / "state"
    state.mkdir()
    command = [
        program or rondpoint_program(),
        "up",
        "--workers=1",
        f"--stateDirectory={state}",
        "--log.level=ERROR",
        f"--entryPoints.web.address=127.0.0.1:{site.port}",
        f"--entryPoints.traefik.address=127.0.0.1:{site.admin_port}",
        f"--providers.file.filename={write_dynamic(site)}",
        *([f"--entryPoints.h2c.address=127.0.0.1:{site.h2c_port}"] if site.h2c_port else []),
        *_tls_settings(site),
        *flags,
    ]
    return Launch(command, site.directory)


def checkout_peer(path: Path, name: str = "base") -> Peer:
    """Return the peer that runs another checkout, from its own virtual environment `.venv`.

    Raises BenchmarkError if there is none.
    """
    command = path.resolve() / ".venv" / "bin" / "rondpoint"
    if not command.exists():
        raise BenchmarkError(f"{command} is missing: make setup in {path}")
    return Peer(name, lambda site: _prepare(site, program=str(command)), lambda: f"Rondpoint in {path}")


def _tls_settings(site: Site) -> list[str]:
    if site.certificate is None:
        return []
    return [
        f"--entryPoints.websecure.address=127.0.0.1:{site.tls_port}",
        f"--entryPoints.websecure.tls.certificates={site.certificate},{site.certificate}",
    ]


def _version() -> str:
    return f"Rondpoint {version('rondpoint')}"


LOGGING_PEER = Peer(
    "rondpoint-log",
    lambda site: _prepare(site, f"--accessLog.filePath={site.directory / 'access.log'}"),
    lambda: f"{_version()} access log",
)
METRICS_PEER = Peer(
    "rondpoint-metrics",
    lambda site: _prepare(site, "--metrics.prometheus.addRoutersLabels"),
    lambda: f"{_version()} metrics",
)
DASHBOARD_PEER = Peer(
    "rondpoint-dashboard",
    METRICS_PEER.prepare,
    lambda: f"{_version()} metrics, open dashboard",
    read_events,
)


def _prepare_all(site: Site) -> Launch:
    return _prepare(
        site,
        "--metrics.prometheus.addRoutersLabels",
        "--entryPoints.web.requestId",
        "--accessLog.format=json",
        f"--accessLog.filePath={site.directory / 'access.log'}",
        "--tracing.sampleRate=0.01",
        f"--tracing.otlp.http.endpoint={COLLECTOR}",
    )


ALL_PEER = Peer("rondpoint-all", _prepare_all, lambda: f"{_version()} metrics, JSON log, 1 % traced")
PEER = Peer("rondpoint", _prepare, _version)
