"""Starts a complete Rondpoint; the arguments are flags of `rondpoint up`.

If a Docker engine responds, Rondpoint serves its containers. Otherwise three demo servers run in this
process, and a file-provider configuration routes `HOST` to them.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import docker
import requests
import yaml
from docker.errors import DockerException

from rondpoint.demo.child import Child
from rondpoint.demo.servers import run_servers
from rondpoint.settings import SettingsError, load

HOST = "whoami.localhost"
ENGINE_TIMEOUT = 2  # seconds


def main(flags: Sequence[str]) -> int:
    """Run until Rondpoint ends, and return its exit status."""
    child = Child()
    if engine_responds():
        return run(child, flags, f"docker run --detach --label 'traefik.frontend.rule=Host:{HOST}' IMAGE")
    with run_servers() as urls, tempfile.TemporaryDirectory(prefix="rondpoint-demo-") as directory:
        Path(directory, "demo.yml").write_text(configuration(urls))
        flags = [f"--providers.file.directory={directory}", *flags]
        return run(child, flags, "")


def run(child: Child, flags: Sequence[str], first: str) -> int:
    """Run Rondpoint; once it accepts connections, print what to try: `first`, if any, then a request."""
    try:
        settings = load(flags, os.environ, Path.cwd()).settings
    except SettingsError:
        # Rondpoint itself reports the errors in them.
        return child.run(flags, None, lambda: None)
    web = next(iter(settings.web_entry_points.values())).port
    hints = ["", "Rondpoint is up. Try:", f"curl -H 'Host: {HOST}' http://127.0.0.1:{web}/"]
    hints[2:2] = [first] if first else []
    if settings.api.dashboard:
        hints.append(f"http://127.0.0.1:{settings.admin.port}/dashboard/ in a browser")
    return child.run(flags, web, lambda: click.echo("\n  ".join(hints) + "\nCtrl-C ends it.\n"))


def configuration(urls: Sequence[str]) -> str:
    """Return the YAML for the file provider that routes `HOST` to these servers."""
    router = {"rule": f"Host(`{HOST}`)", "service": "whoami"}
    service = {"loadBalancer": {"servers": [{"url": url} for url in urls]}}
    return yaml.safe_dump({"http": {"routers": {"whoami": router}, "services": {"whoami": service}}})


def engine_responds() -> bool:
    """Return whether a Docker engine responds at DOCKER_HOST or at Docker's usual socket."""
    try:
        client = docker.from_env(timeout=ENGINE_TIMEOUT)
        try:
            return bool(client.ping())
        finally:
            client.close()
    except (DockerException, requests.RequestException):
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
