"""The services of a compose file that run Traefik or Rondpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from discovery.checking.line_numbers import read_key_lines
from discovery.checking.proxies import Proxy, find_proxies, split_image


def proxies_of(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[Proxy]:
    path = tmp_path / "compose.yml"
    path.write_text(text)
    return list(find_proxies(yaml.safe_load(text), path, read_key_lines(path), environ or {}))


def proxy_of(tmp_path: Path, service: str, environ: Mapping[str, str] | None = None) -> Proxy:
    [proxy] = proxies_of(tmp_path, "services:\n  p:\n" + service, environ)
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
def test_a_service_is_a_proxy_if_its_image_is_traefik_or_rondpoint(
    tmp_path: Path, image: str, version: int
) -> None:
    proxy = proxy_of(tmp_path, f"    image: '{image}'\n", {"VERSION": "1.7"})
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
def test_other_services_are_not_proxies(tmp_path: Path, service: str) -> None:
    assert proxies_of(tmp_path, f"services:\n  p: {service}\n") == []


def test_a_service_with_build_is_a_proxy_if_its_command_is_one(tmp_path: Path) -> None:
    proxy = proxy_of(tmp_path, "    build: .\n    command: rondpoint agent --docker\n")
    assert (proxy.role, words(proxy)) == ("agent", [("--docker", 4)])
    proxy = proxy_of(tmp_path, "    build: .\n    entrypoint: [/usr/bin/traefik]\n    command: [--docker]\n")
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
        # The same word further down belongs to another key.
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
def test_flags_are_split_as_docker_compose_splits_them(
    tmp_path: Path, service: str, expected: list[tuple[str, int]]
) -> None:
    assert words(proxy_of(tmp_path, "    image: traefik\n" + service, {"A": "1"})) == expected


def test_a_service_may_be_merged_from_an_anchor(tmp_path: Path) -> None:
    text = "x-p: &p\n  image: traefik\n  command:\n  - --web\nservices:\n  p:\n    <<: *p\n"
    [proxy] = proxies_of(tmp_path, text)
    assert words(proxy) == [("--web", 4)]


def test_unclosed_quotes_are_an_error(tmp_path: Path) -> None:
    [diagnostic] = proxy_of(tmp_path, "    image: traefik\n    command: --web='\n").diagnostics
    assert str(diagnostic) == "settings: service p: command: cannot be split into words: no closing quotation"


@pytest.mark.parametrize("key", ["command", "entrypoint"])
def test_flags_inside_a_shell_cannot_be_read(tmp_path: Path, key: str) -> None:
    proxy = proxy_of(tmp_path, f"    image: traefik\n    {key}: [/bin/sh, -c, traefik --web]\n")
    assert proxy.words is None
    assert proxy.lines[proxy.diagnostics[0].subject] == 4
    assert f"service p: {key}: /bin/sh starts the proxy" in str(proxy.diagnostics[0])


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
def test_environment_is_read_in_both_syntaxes(tmp_path: Path, environment: str) -> None:
    (tmp_path / "p.env").write_text("TRAEFIK_LOG_LEVEL=INFO\nTRAEFIK_API=true\nSECRET=x\n")
    service = f"    image: traefik\n    env_file: [p.env]\n    environment:{environment}"
    proxy = proxy_of(tmp_path, service, {"TRAEFIK_PING": "given"})
    assert {name: (value.text, value.line) for name, value in proxy.environ.items()} == {
        "TRAEFIK_LOG_LEVEL": ("DEBUG", 6),
        "RONDPOINT_WORKERS": ("2", 7),
        "TRAEFIK_PING": ("given", 8),
        "RONDPOINT_API_INSECURE": ("true", 10),
        "TRAEFIK_API": ("true", 4),
    }
    # Variables that are not settings are not reported, not even if they are unset.
    assert proxy.diagnostics == ()


def test_an_unset_variable_in_a_flag_is_reported(tmp_path: Path) -> None:
    [diagnostic] = proxy_of(tmp_path, "    image: traefik\n    command: --api.token=$TOKEN\n").diagnostics
    assert "service p: variable TOKEN is not set, so it is empty" in str(diagnostic)
    assert diagnostic.hint == "set it, give it a default: ${TOKEN:-…}, or write $$ for a $ of the text"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("traefik", ("traefik", "")),
        ("host:5000/a/Traefik:v3@sha256:1", ("traefik", "v3")),
        ("host:5000/traefik", ("traefik", "")),
        ("", ("", "")),
    ],
)
def test_an_image_is_split_into_name_and_tag(written: str, expected: tuple[str, str]) -> None:
    assert split_image(written) == expected
