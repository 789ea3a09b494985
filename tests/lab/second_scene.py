"""The article's second scene: its words, and what must be true of it whoever runs the parts.

Consul is at 172.17.0.1:8500, as in the article; commands are run where that is reached.
"""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

from tests.lab.errors import LabError

CONSUL = "172.17.0.1"
"""Where the article has Consul: the host's address on Docker's own bridge."""
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
    """What Consul answers to curl; raises LabError when it is no success."""
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
    """What `curl …/v1/catalog/service/NAME` shows."""
    found: list[dict[str, Any]] = json.loads(curl(f"/v1/catalog/service/{service}", enter=enter))
    return found


def put_key(key: str, value: str, *, enter: Sequence[str] = ()) -> str:
    """`curl -X PUT -d VALUE …/v1/kv/KEY`."""
    return curl(f"/v1/kv/{key}", "-X", "PUT", "-d", value, enter=enter)
