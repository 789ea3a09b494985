"""The agent imports the clients of its sources only for providers that are enabled, and none of ACME."""

import subprocess
import sys

import pytest

CLIENTS = (
    *("acme", "boto3", "consul", "discovery.providers.zookeeper_client", "docker", "httpx2", "josepy"),
    *("lightkube", "requests", "urllib3"),
)
SCRIPT = """
import sys
from pathlib import Path
import discovery.process.command
from discovery.providers import configured_providers
from rondpoint.settings import load

# No path exists: other tests have an engine's socket where one is looked for.
settings = load(sys.argv[2:], {}, Path.cwd(), lambda path: None).settings
print(*configured_providers(settings), *sorted(set(sys.argv[1].split(",")) & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("flags", "providers_and_clients"),
    [
        ([], []),
        (["--providers.docker"], ["docker", "docker", "requests", "urllib3"]),
        (["--providers.swarm"], ["swarm", "docker", "requests", "urllib3"]),
        (["--providers.consul"], ["consul", "consul", "requests", "urllib3"]),
        (["--providers.etcd"], ["etcd", "requests", "urllib3"]),
        (["--providers.redis"], ["redis"]),
        (["--providers.zooKeeper"], ["zookeeper", "discovery.providers.zookeeper_client"]),
        (["--providers.kubernetesIngress"], ["kubernetes", "httpx2", "lightkube"]),
        (["--providers.kubernetesCRD"], ["kubernetescrd", "httpx2", "lightkube"]),
        (["--providers.kubernetesGateway"], ["kubernetesgateway", "httpx2", "lightkube"]),
        (["--providers.ecs"], ["ecs"]),
        (
            [
                *("--providers.http.endpoint=http://a", "--marathon", "--mesos"),
                "--providers.nomad.namespaces=a,b",
            ],
            ["http", "marathon", "mesos", "nomad-a", "nomad-b", "urllib3"],
        ),
    ],
)
def test_a_provider_imports_its_own_client(flags: list[str], providers_and_clients: list[str]) -> None:
    command = [sys.executable, "-c", SCRIPT, ",".join(CLIENTS), *flags]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == providers_and_clients
