"""Starts a whole Rondpoint; arguments are flags of `rondpoint up`.

Where no Docker engine answers, three demo servers run in this process, and a file-provider configuration
routes `HOST` to them. Where one does, its containers are what there is to see.
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
from rondpoint.demo.servers import running
from rondpoint.settings import SettingsError, load

HOST = "whoami.localhost"
ENGINE_TIMEOUT = 2  # seconds


def main(flags: Sequence[str]) -> int:
    """Runs until Rondpoint ends, and returns its exit status."""
    child = Child()
    if engine_answers():
        return run(child, flags, f"docker run --detach --label 'traefik.frontend.rule=Host:{HOST}' IMAGE")
    with running() as urls, tempfile.TemporaryDirectory(prefix="rondpoint-demo-") as directory:
        Path(directory, "demo.yml").write_text(configuration(urls))
        flags = [f"--providers.file.directory={directory}", *flags]
        return run(child, flags, "")


def run(child: Child, flags: Sequence[str], first: str) -> int:
    """Runs Rondpoint and says, once it accepts, what to try: `first`, if any, then a request."""
    try:
        settings = load(flags, os.environ, Path.cwd()).settings
    except SettingsError:
        # Rondpoint says itself what is wrong with them.
        return child.run(flags, None, lambda: None)
    web = next(iter(settings.web_entry_points.values())).port
    hints = ["", "Rondpoint is up. Try:", f"curl -H 'Host: {HOST}' http://127.0.0.1:{web}/"]
    hints[2:2] = [first] if first else []
    if settings.api.dashboard:
        hints.append(f"http://127.0.0.1:{settings.admin.port}/dashboard/ in a browser")
    return child.run(flags, web, lambda: click.echo("\n  ".join(hints) + "\nCtrl-C ends it.\n"))


def configuration(urls: Sequence[str]) -> str:
    """The file provider's YAML that routes `HOST` to these servers."""
    router = {"rule": f"Host(`{HOST}`)", "service": "whoami"}
    service = {"loadBalancer": {"servers": [{"url": url} for url in urls]}}
    return yaml.safe_dump({"http": {"routers": {"whoami": router}, "services": {"whoami": service}}})


def engine_answers() -> bool:
    """Whether there is a Docker engine at DOCKER_HOST, or at Docker's usual socket."""
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
