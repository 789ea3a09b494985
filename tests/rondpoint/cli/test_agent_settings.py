"""The proxy process does not get the settings of providers or their secrets."""

from __future__ import annotations

import pytest

from rondpoint.cli.agent_settings import agent_variables, without_agent_flags

FLAGS: list[tuple[list[str], list[str]]] = [
    ([], []),
    (["--workers=2", "--providers.consul.token=secret"], ["--workers=2"]),
    (["--zookeeper.password=secret", "--workers=2"], ["--workers=2"]),
    (["--providers.consul.token", "secret", "--workers", "2"], ["--workers", "2"]),
    (["--docker", "--web", "--Consul.Token=secret", "-c", "file.toml"], ["--web", "-c", "file.toml"]),
    (["--registrator.endpoint.token=secret", "--api.insecure"], ["--api.insecure"]),
    (["--docker.domain", "test", "stray"], ["stray"]),
    (["--web", "--dockerish=1"], ["--web", "--dockerish=1"]),
]


@pytest.mark.parametrize(("given", "kept"), FLAGS, ids=[" ".join(given) for given, _ in FLAGS])
def test_flags_of_agent_sections_are_removed_with_their_values(given: list[str], kept: list[str]) -> None:
    assert without_agent_flags(given) == kept


def test_variables_of_agent_sections_are_the_agents() -> None:
    environ = {
        "PATH": "/bin",
        "CONSUL_HTTP_TOKEN": "secret",
        "DOCKER_HOST": "tcp://there",
        "RONDPOINT_PROVIDERS_CONSULCATALOG_ENDPOINT_TOKEN": "secret",
        "rondpoint_consul_password": "secret",
        "RONDPOINT_DOCKER": "true",
        "TRAEFIK_PROVIDERS_HTTP_HEADERS_AUTHORIZATION": "secret",
        "TRAEFIK_LOG_LEVEL": "DEBUG",
        "RONDPOINT_WORKERS": "2",
        "RONDPOINT_FILEDESCRIPTORS": "none of ours",
    }
    assert environ.keys() - agent_variables(environ) == {
        "PATH",
        "TRAEFIK_LOG_LEVEL",
        "RONDPOINT_WORKERS",
        "RONDPOINT_FILEDESCRIPTORS",
    }
