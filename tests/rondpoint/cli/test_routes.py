"""`rondpoint routes` shows the routers, servers, diagnostics and agents from the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.origin import Origin

from .test_commands import run

RAW_DATA: dict[str, Any] = {
    "routers": {
        "hello@docker": {
            "rule": "Host:hello.test",
            "entryPoints": ["web"],
            "priority": 15,
            "service": "hello@docker",
            "middlewares": [],
            "status": "enabled",
        },
        "empty@file": {
            "rule": "Host:empty",
            "entryPoints": ["web", "other"],
            "priority": 10,
            "service": "empty@file",
            "middlewares": [],
            "status": "enabled",
        },
        "b@file": {
            "rule": "Path:/x",
            "parentRefs": ["a@file"],
            "priority": 7,
            "service": "empty@file",
            "status": "enabled",
        },
        "lost@docker": {
            "name": "lost@docker",
            "provider": "docker",
            "status": "disabled",
            "error": ["no"],
        },
        "a@file": {"rule": "Host:a", "entryPoints": ["web"], "priority": 10, "status": "enabled"},
    },
    "services": {
        "gone@docker": {"name": "gone@docker", "provider": "docker", "status": "disabled", "error": ["no"]},
        "hello@docker": {
            "servers": [
                {"name": "a", "url": "http://172.17.0.2:80", "weight": 1, "state": "up"},
                {"name": "b", "url": "http://172.17.0.3:80", "weight": 2, "state": "draining"},
            ],
            "passHostHeader": True,
        },
    },
    "middlewares": {},
    "diagnostics": [
        {
            "severity": "warning",
            "source": "docker",
            "subject": "container x",
            "message": "no port",
            "hint": "",
        }
    ],
    "agents": {
        "one-7-ab": {
            "role": "leader",
            "contribution": "north",
            "providers": {"docker": {"state": "ok", "message": "", "since": 1.0}},
        },
        "two-9-cd": {
            "role": "member",
            "contribution": "south",
            "providers": {
                "docker": {"state": "retrying", "message": "no engine", "since": 1.0},
                "file": {"state": "ok", "message": "", "since": 1.0},
            },
        },
    },
    "tcpRouters": {
        "db@docker": {
            "rule": "HostSNI(`*`)",
            "entryPoints": ["postgres"],
            "priority": -1,
            "service": "db@docker",
            "status": "enabled",
        },
        "off@file": {"name": "off@file", "status": "disabled", "error": ["no"]},
    },
    "tcpServices": {
        "db@docker": {"servers": [{"name": "a", "address": "172.17.0.4:5432", "state": "down"}]},
    },
    "udpRouters": {"dns@file": {"entryPoints": ["dns"], "service": "dns@file", "status": "enabled"}},
    "udpServices": {"dns@file": {"loadBalancer": {}, "status": "enabled"}},
    "revision": 3,
}
# ruff: noqa: E501 - a table as the command prints it
OUTPUT = """\
ROUTER           RULE             ENTRY POINTS  PRIORITY  SERVICE       SERVERS
a@file           Host:a           web           10        (children)
b@file           Path:/x          below a@file  7         empty@file    none
empty@file       Host:empty       web, other    10        empty@file    none
hello@docker     Host:hello.test  web           15        hello@docker  http://172.17.0.2:80 (up, weight 1)
                                                                        http://172.17.0.3:80 (draining, weight 2)
lost@docker                                                             disabled
db@docker (TCP)  HostSNI(`*`)     postgres      -1        db@docker     172.17.0.4:5432 (down)
off@file (TCP)                                                          disabled
dns@file (UDP)                    dns                     dns@file      none

warning: docker: container x: no port

AGENT     NAME   ROLE    PROVIDERS
one-7-ab  north  leader  docker (ok)
two-9-cd  south  member  docker (retrying: no engine), file (ok)
"""


def api_response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_routers_are_listed_with_servers_diagnostics_and_agents(tmp_path: Path) -> None:
    with Origin(api_response(json.dumps(RAW_DATA).encode())) as admin:
        result = run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}/")
        assert (result.stdout, result.stderr, result.returncode) == (OUTPUT, "", 0)
        assert [request.target for request in admin.requests] == ["/api/rawdata"]


def test_json_is_printed_unchanged(tmp_path: Path) -> None:
    with Origin(api_response(json.dumps(RAW_DATA).encode())) as admin:
        result = run(tmp_path, "routes", "--json", "--api", f"http://127.0.0.1:{admin.port}")
    assert json.loads(result.stdout) == RAW_DATA


def test_the_address_comes_from_the_settings(tmp_path: Path) -> None:
    with Origin(api_response(b"{}")) as admin:
        (tmp_path / "rondpoint.toml").write_text(f'[entryPoints.traefik]\naddress = ":{admin.port}"')
        assert run(tmp_path, "routes").stdout == "no routers\n"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (api_response(b"nothing", "404 Not Found"), "/api/rawdata responded with 404"),
        (api_response(b"<html>"), "/api/rawdata is not from Rondpoint"),
        (api_response(b'{"routers": []}'), "/api/rawdata is not from Rondpoint"),
    ],
)
def test_a_response_of_another_program_is_reported(tmp_path: Path, response: bytes, message: str) -> None:
    with Origin(response) as admin:
        result = run(tmp_path, "routes", f"--api=127.0.0.1:{admin.port}")
    assert result.returncode == 1
    assert message in result.stderr


def test_the_token_comes_from_the_settings_or_the_environment(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with Origin(api_response(b"{}")) as admin:
        (tmp_path / "rondpoint.toml").write_text(
            f'[entryPoints.traefik]\naddress = ":{admin.port}"\n[api]\ntokenFile = "{token}"'
        )
        run(tmp_path, "routes")
        run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}")
        environ = {"RONDPOINT_API_TOKEN": "other"}
        run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}", environ=environ)
        sent = [request.header("Authorization") for request in admin.requests]
    assert sent == ["Bearer s3cret", None, "Bearer other"]


def test_a_missing_or_unreadable_token_is_reported(tmp_path: Path) -> None:
    with Origin(api_response(b"{}", "401 Unauthorized")) as admin:
        result = run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}")
    assert (result.returncode, "RONDPOINT_API_TOKEN" in result.stderr) == (1, True)
    result = run(tmp_path, "routes", "--api.tokenFile=/nowhere")
    assert (result.returncode, "cannot read the token" in result.stderr) == (1, True)
