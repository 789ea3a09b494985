"""The services of a compose file that run Traefik or Rondpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from discovery.checking.line_numbers import lines_of
from discovery.checking.proxies import Proxy, image_of, proxies


def found(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[Proxy]:
    path = tmp_path / "compose.yml"
    path.write_text(text)
    return list(proxies(yaml.safe_load(text), path, lines_of(path), environ or {}))


def one(tmp_path: Path, service: str, environ: Mapping[str, str] | None = None) -> Proxy:
    [proxy] = found(tmp_path, "services:\n  p:\n" + service, environ)
    return proxy


def words(proxy: Proxy) -> list[tuple[str, int]]:
    assert proxy.words is not None
    return [(word.text, word.line) for word in proxy.words]


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("traefik", 3),
        ("traefik:1.5", 1),
        ("traefik:v3.6", 3),
        ("traefik:v2.11", 2),
        ("traefik:latest", 3),
        ("containous/traefik:v1.7-alpine", 1),
        ("registry.test:5000/mirror/traefik:v1.7@sha256:0123", 1),
        ("docker.io/library/traefik@sha256:0123", 3),
        ("${TRAEFIK_IMAGE:-traefik:v3}", 3),
        ("traefik:${VERSION}", 1),
        ("rondpoint:all-in-one", 0),
        ("registry.test/rondpoint-edge", 0),
    ],
)
def test_an_image_says_that_a_service_is_a_proxy(tmp_path: Path, image: str, version: int) -> None:
    proxy = one(tmp_path, f"    image: '{image}'\n", {"VERSION": "1.7"})
    assert (proxy.service, proxy.line, proxy.role, proxy.version) == ("p", 2, "up", version)


@pytest.mark.parametrize(
    "service",
    [
        "{image: traefik/whoami}",
        "{image: thomseddon/traefik-forward-auth}",
        "{image: 'traefik:1.7', command: storeconfig --consul}",
        "{image: 'traefik:3', command: [traefik, healthcheck]}",
        "{image: 'rondpoint:registrator', command: -internal consul://consul:8500}",
        "{image: rondpoint-registrator, command: -internal consul://consul:8500}",
        "{image: rondpoint, command: registrator consul://consul:8500}",
        "{image: rondpoint, command: [check, routes.yml]}",
        "{build: ., command: python -m http.server}",
        "{image: [], command: {a: b}}",
        "",
    ],
)
def test_other_services_are_none(tmp_path: Path, service: str) -> None:
    assert found(tmp_path, f"services:\n  p: {service}\n") == []


def test_a_service_that_is_built_is_one_by_its_command(tmp_path: Path) -> None:
    proxy = one(tmp_path, "    build: .\n    command: rondpoint agent --docker\n")
    assert (proxy.role, words(proxy)) == ("agent", [("--docker", 4)])
    proxy = one(tmp_path, "    build: .\n    entrypoint: [/usr/bin/traefik]\n    command: [--docker]\n")
    assert (proxy.role, proxy.version, words(proxy)) == ("up", 3, [("--docker", 5)])


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("    command: --web --docker\n", [("--web", 4), ("--docker", 4)]),
        ("    command: traefik --web\n", [("--web", 4)]),
        ('    command: ["--web", "--docker"]\n', [("--web", 4), ("--docker", 4)]),
        ("    command:\n      - --web\n      - --docker\n", [("--web", 5), ("--docker", 6)]),
        (
            "    command: >\n      --web\n      --entryPoints='Name:http Address::80'\n      --docker\n",
            [("--web", 5), ("--entryPoints=Name:http Address::80", 6), ("--docker", 7)],
        ),
        # The same word further down is another service's.
        ("    command: |\n      --web\n    x-y: --docker\n", [("--web", 5)]),
        (
            "    command: --a=${A} --b=$$A --c=${C:-x y}\n",
            [("--a=1", 4), ("--b=$A", 4), ("--c=x", 4), ("y", 4)],
        ),
        ("    command: ['--c=${C:-x y}', 80]\n", [("--c=x y", 4), ("80", 4)]),
        ("    entrypoint: [traefik, --web]\n    command: --docker\n", [("--web", 4), ("--docker", 5)]),
        ("    entrypoint: [/sbin/tini, --, /entrypoint.sh, traefik]\n    command: --web\n", [("--web", 5)]),
        ("    command:\n", []),
    ],
)
def test_flags_are_split_as_docker_compose_does(
    tmp_path: Path, service: str, expected: list[tuple[str, int]]
) -> None:
    assert words(one(tmp_path, "    image: traefik\n" + service, {"A": "1"})) == expected


def test_a_service_may_be_merged_from_an_anchor(tmp_path: Path) -> None:
    text = "x-p: &p\n  image: traefik\n  command:\n  - --web\nservices:\n  p:\n    <<: *p\n"
    [proxy] = found(tmp_path, text)
    assert words(proxy) == [("--web", 4)]


def test_quotes_that_are_not_closed_are_an_error(tmp_path: Path) -> None:
    [finding] = one(tmp_path, "    image: traefik\n    command: --web='\n").findings
    assert str(finding) == "settings: service p: command: cannot be split into words: no closing quotation"


@pytest.mark.parametrize("key", ["command", "entrypoint"])
def test_flags_within_a_shell_are_not_seen(tmp_path: Path, key: str) -> None:
    proxy = one(tmp_path, f"    image: traefik\n    {key}: [/bin/sh, -c, traefik --web]\n")
    assert proxy.words is None
    assert proxy.lines[proxy.findings[0].subject] == 4
    assert f"service p: {key}: /bin/sh starts the proxy" in str(proxy.findings[0])


MAP = """
      TRAEFIK_LOG_LEVEL: DEBUG
      RONDPOINT_WORKERS: 2
      TRAEFIK_PING:
      TRAEFIK_NONE:
      RONDPOINT_API_INSECURE: true
      OTHER: $X
"""
LIST = """
      - TRAEFIK_LOG_LEVEL=DEBUG
      - RONDPOINT_WORKERS=2
      - TRAEFIK_PING
      - TRAEFIK_NONE
      - RONDPOINT_API_INSECURE=true
      - OTHER=$X
"""


@pytest.mark.parametrize("environment", [MAP, LIST])
def test_variables_are_read_in_both_forms(tmp_path: Path, environment: str) -> None:
    (tmp_path / "p.env").write_text("TRAEFIK_LOG_LEVEL=INFO\nTRAEFIK_API=true\nSECRET=x\n")
    service = f"    image: traefik\n    env_file: [p.env]\n    environment:{environment}"
    proxy = one(tmp_path, service, {"TRAEFIK_PING": "given"})
    assert {name: (given.text, given.line) for name, given in proxy.environ.items()} == {
        "TRAEFIK_LOG_LEVEL": ("DEBUG", 6),
        "RONDPOINT_WORKERS": ("2", 7),
        "TRAEFIK_PING": ("given", 8),
        "RONDPOINT_API_INSECURE": ("true", 10),
        "TRAEFIK_API": ("true", 4),
    }
    # Of variables that have nothing to do with settings, nothing is said.
    assert proxy.findings == ()


def test_a_variable_of_a_flag_that_is_not_set_is_told(tmp_path: Path) -> None:
    [finding] = one(tmp_path, "    image: traefik\n    command: --api.token=$TOKEN\n").findings
    assert "service p: variable TOKEN is not set, and taken to be empty" in str(finding)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("traefik", ("traefik", "")),
        ("host:5000/a/Traefik:v3@sha256:1", ("traefik", "v3")),
        ("host:5000/traefik", ("traefik", "")),
        ("", ("", "")),
    ],
)
def test_the_name_and_the_tag_of_an_image(written: str, expected: tuple[str, str]) -> None:
    assert image_of(written) == expected
