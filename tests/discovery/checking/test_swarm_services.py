"""`rondpoint check` of stack files: labels below `deploy`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from discovery.checking.command import check

STACK = """
name: shop
services:
  web:
    image: whoami
    labels: {traefik.http.routers.container.rule: Host(`container.test`)}
    deploy:
      labels:
        - traefik.http.routers.web.rule=Host(`web.test`)
        - traefik.http.services.web.loadbalancer.server.port=80
        - traefik.swarm.network=public
    networks: [public]
  portless:
    image: whoami
    networks: [public]
    deploy: {labels: {traefik.http.routers.portless.rule: Host(`portless.test`)}}
  hidden:
    image: whoami
    deploy: {labels: {traefik.enable: false}}
networks:
  public: {name: public, external: true}
"""
TRAEFIK = """
  traefik:
    image: traefik:v3.6
    command: [--providers.swarm.network=public, --entrypoints.web.address=:80]
"""


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RONDPOINT_FLAGS", raising=False)
    (tmp_path / "stack.yml").write_text(STACK)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, arguments, catch_exceptions=False)


def test_labels_below_deploy_are_those_of_services_in_a_swarm() -> None:
    result = run("stack.yml", "--providers.swarm")
    assert "web@swarm: Host(`web.test`)" in result.output
    assert "→ web@swarm: http://web:80" in result.output
    assert "container.test" not in result.output
    assert (
        "stack.yml:13: error: swarm: service shop_portless: not routed: it exposes no port "
        "(set label traefik.http.services" in result.output
    )
    assert "@docker" not in result.output
    assert result.exit_code == 1


def test_a_proxy_in_the_file_says_that_it_is_for_a_swarm(tmp_path: Path) -> None:
    (tmp_path / "stack.yml").write_text(
        STACK.replace("networks:\n  public: {", f"{TRAEFIK}networks:\n  public: {{")
    )
    result = run("stack.yml")
    assert "web@swarm: Host(`web.test`)" in result.output
    assert "@docker" not in result.output


def test_both_kinds_of_labels_count_if_both_providers_are_on() -> None:
    output = run("stack.yml", "--providers.swarm", "--providers.docker=true").output
    assert "web@swarm: Host(`web.test`)" in output
    assert "container@docker: Host(`container.test`)" in output


def test_without_the_provider_labels_below_deploy_are_reported() -> None:
    output = run("stack.yml").output
    assert "web@swarm" not in output
    assert output.count("deploy.labels are labels of a service of Swarm") == 3
    assert "container@docker: Host(`container.test`)" in output


def test_constraints_of_the_provider_apply() -> None:
    output = run("stack.yml", "--providers.swarm.constraints=Label(`a`, `b`)").output
    assert "web@swarm: Host" not in output
    assert "it does not match providers.swarm.constraints" in output
    output = run("stack.yml", "--providers.swarm.constraints=Label(").output
    assert "providers.swarm.constraints: 'Label(' cannot be read" in output


def test_a_stack_without_a_proxy_is_checked_as_one(tmp_path: Path) -> None:
    labels = "    labels: {traefik.http.routers.container.rule: Host(`container.test`)}\n"
    assert labels in STACK
    (tmp_path / "stack.yml").write_text(STACK.replace(labels, ""))
    output = run("stack.yml").output
    assert "web@swarm: Host(`web.test`)" in output
    assert (
        "note: swarm: service shop_web: deploy.labels are checked as labels of a service of Swarm" in output
    )
    assert "error: swarm: service shop_portless: not routed: it exposes no port" in output
    assert "@docker" not in output
