"""Rondpoint with one worker: `rondpoint up`, so the store, the agent and gunicorn's master also count."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
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


_COMPILE = """
import compileall, sys
from importlib.util import find_spec
sys.exit(not all(
    compileall.compile_dir(find_spec(name).submodule_search_locations[0], quiet=1)
    for name in ("rondpoint", "discovery", "proxy")
))
"""


@cache
def compile_modules(program: str) -> None:
    """Compile the modules of a checkout, as an installation does. Raises BenchmarkError.

    Where Python may not write compiled files, each process would compile all modules at its start, and keep
    up to 2 MB more.
    """
    python = Path(program).with_name("python")
    if not python.exists():
        # It is not in a virtual environment, so it is an installation.
        return
    done = subprocess.run([str(python), "-c", _COMPILE], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"the modules of {program} cannot be compiled: {done.stdout}{done.stderr}")


def _prepare(site: Site, *flags: str, program: str | None = None) -> Launch:
    program = program or rondpoint_program()
    compile_modules(program)
    state = site.directory / "state"
    state.mkdir()
    command = [
        program,
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


def _tls_settings(site: Site) -> list[str]:
    if site.certificate is None:
        return []
    return [
        f"--entryPoints.websecure.address=127.0.0.1:{site.tls_port}",
        f"--entryPoints.websecure.tls.certificates={site.certificate},{site.certificate}",
    ]


def _version() -> str:
    return f"Rondpoint {version('rondpoint')}"


def _no_flags(_: Site) -> list[str]:
    return []


def _log_flags(site: Site) -> list[str]:
    return [f"--accessLog.filePath={site.directory / 'access.log'}"]


def _metrics_flags(_: Site) -> list[str]:
    return ["--metrics.prometheus.addRoutersLabels"]


def _all_flags(site: Site) -> list[str]:
    return [
        *_metrics_flags(site),
        "--entryPoints.web.requestId",
        "--accessLog.format=json",
        *_log_flags(site),
        "--tracing.sampleRate=0.01",
        f"--tracing.otlp.http.endpoint={COLLECTOR}",
    ]


@dataclass(frozen=True, slots=True)
class Variant:
    """Rondpoint with further settings: their `flags`, and what they are in words."""

    flags: Callable[[Site], list[str]] = _no_flags
    title: str = ""
    during: Callable[[Site], AbstractContextManager[None]] = lambda _: nullcontext()


VARIANTS = {
    "": Variant(),
    "-log": Variant(_log_flags, "access log"),
    "-json": Variant(lambda site: ["--accessLog.format=json", *_log_flags(site)], "access log in JSON"),
    "-metrics": Variant(_metrics_flags, "metrics"),
    "-dashboard": Variant(_metrics_flags, "metrics, open dashboard", read_events),
    "-all": Variant(_all_flags, "metrics, JSON log, 1 % traced"),
}
"""The variants by what is added to the name of the proxy."""


def _peer(name: str, variant: Variant, title: str, program: str | None = None) -> Peer:
    return Peer(
        name,
        lambda site: _prepare(site, *variant.flags(site), program=program),
        f"{title} {variant.title}".rstrip,
        variant.during,
    )


PEERS = tuple(_peer(f"rondpoint{name}", each, _version()) for name, each in VARIANTS.items())


def checkout_peer(path: Path, peer: Peer) -> Peer:
    """Return the peer that runs another checkout, from its own `.venv`, with the settings of this `peer`.

    Its name begins with `base` in place of `rondpoint`. Raises BenchmarkError if there is no such checkout.
    """
    command = path.resolve() / ".venv" / "bin" / "rondpoint"
    if not command.exists():
        raise BenchmarkError(f"{command} is missing: make setup in {path}")
    suffix = peer.name.removeprefix("rondpoint")
    return _peer(f"base{suffix}", VARIANTS[suffix], f"Rondpoint in {path}", str(command))
