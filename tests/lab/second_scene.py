"""The files and commands of the article's second scene.

Consul is at 172.17.0.1:8500, as in the article; commands run where that address is reachable.
"""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.lab.errors import LabError

CONSUL = "172.17.0.1"
"""Consul's address in the article: the host's address on Docker's default bridge."""
CONSUL_PORT = 8500

SETTINGS = """\
logLevel = "DEBUG"

[web]
address = ":8080"

[consulCatalog]
endpoint = "172.17.0.1:8500"
domain = "consul.local"
prefix = "traefik"
"""

HELLO = """\
  hello:
    image: osones/helloworld
    labels:
      SERVICE_NAME: "hello"
"""

HELLO_2 = """\
  hello2:
    image: osones/helloworld
    labels:
      SERVICE_TAGS: "traefik.backend=hello2,traefik.frontend.rule=Host:hello2.osones.com"
"""

COMPOSE = f'version: "2"\nservices:\n{HELLO}{HELLO_2}'

TAGS = ["traefik.backend=hello2", "traefik.frontend.rule=Host:hello2.osones.com"]


def curl(path: str, *arguments: str, enter: Sequence[str] = ()) -> str:
    """Send a request to Consul with curl; return the response's body. Raises LabError if it fails."""
    url = f"http://{CONSUL}:{CONSUL_PORT}{path}"
    done = subprocess.run(
        [*enter, "curl", "-sS", "--fail", *arguments, url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise LabError(f"curl {url}: {done.stderr}")
    return done.stdout


def instances(service: str, *, enter: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the output of `curl …/v1/catalog/service/NAME`."""
    found: list[dict[str, Any]] = json.loads(curl(f"/v1/catalog/service/{service}", enter=enter))
    return found


def put_key(key: str, value: str, *, enter: Sequence[str] = ()) -> str:
    """Run `curl -X PUT -d VALUE …/v1/kv/KEY`."""
    return curl(f"/v1/kv/{key}", "-X", "PUT", "-d", value, enter=enter)
