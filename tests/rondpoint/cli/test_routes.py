"""`rondpoint routes` shows what the admin entry point tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.origin import Origin

from .test_commands import run

RAW: dict[str, Any] = {
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
        "left-out@docker": {
            "name": "left-out@docker",
            "provider": "docker",
            "status": "disabled",
            "error": ["no"],
        },
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
            "part": "north",
            "providers": {"docker": {"state": "ok", "message": "", "since": 1.0}},
        },
        "two-9-cd": {
            "role": "member",
            "part": "south",
            "providers": {
                "docker": {"state": "retrying", "message": "no engine", "since": 1.0},
                "file": {"state": "ok", "message": "", "since": 1.0},
            },
        },
    },
    "revision": 3,
}
SHOWN = """\
ROUTER        RULE             ENTRY POINTS  PRIORITY  SERVICE       SERVERS
empty@file    Host:empty       web, other    10        empty@file    none
hello@docker  Host:hello.test  web           15        hello@docker  http://172.17.0.2:80 (up, weight 1)
                                                                     http://172.17.0.3:80 (draining, weight 2)

warning: docker: container x: no port

AGENT     NAME   ROLE    PROVIDERS
one-7-ab  north  leader  docker (ok)
two-9-cd  south  member  docker (retrying: no engine), file (ok)
"""


def answer(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_routers_stand_with_their_servers_and_findings_below(tmp_path: Path) -> None:
    with Origin(answer(json.dumps(RAW).encode())) as admin:
        result = run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}/")
        assert (result.stdout, result.stderr, result.returncode) == (SHOWN, "", 0)
        assert [request.target for request in admin.requests] == ["/api/rawdata"]


def test_a_router_that_was_left_out_hides_no_other(tmp_path: Path) -> None:
    lost = {"name": "lost@file", "provider": "file", "status": "disabled", "error": ["no service"]}
    raw = {**RAW, "routers": {**RAW["routers"], "lost@file": lost}}
    with Origin(answer(json.dumps(raw).encode())) as admin:
        result = run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}/")
    row = next(line for line in result.stdout.splitlines() if line.startswith("lost@file"))
    assert row.split() == ["lost@file", "disabled"]
    assert result.stdout.replace(f"{row}\n", "") == SHOWN


def test_json_is_passed_on_as_it_came(tmp_path: Path) -> None:
    with Origin(answer(json.dumps(RAW).encode())) as admin:
        result = run(tmp_path, "routes", "--json", "--api", f"http://127.0.0.1:{admin.port}")
    assert json.loads(result.stdout) == RAW


def test_the_address_comes_from_the_settings(tmp_path: Path) -> None:
    with Origin(answer(b"{}")) as admin:
        (tmp_path / "rondpoint.toml").write_text(f'[entryPoints.traefik]\naddress = ":{admin.port}"')
        assert run(tmp_path, "routes").stdout == "no routers\n"


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (answer(b"nothing", "404 Not Found"), "/api/rawdata answers 404"),
        (answer(b"<html>"), "/api/rawdata is not Rondpoint's"),
        (answer(b'{"routers": []}'), "/api/rawdata is not Rondpoint's"),
    ],
)
def test_an_answer_that_is_not_rondpoints_is_said_so(tmp_path: Path, response: bytes, said: str) -> None:
    with Origin(response) as admin:
        result = run(tmp_path, "routes", f"--api=127.0.0.1:{admin.port}")
    assert result.returncode == 1
    assert said in result.stderr


def test_the_token_of_the_settings_or_the_environment_is_shown(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with Origin(answer(b"{}")) as admin:
        (tmp_path / "rondpoint.toml").write_text(
            f'[entryPoints.traefik]\naddress = ":{admin.port}"\n[api]\ntokenFile = "{token}"'
        )
        run(tmp_path, "routes")
        run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}")
        environ = {"RONDPOINT_API_TOKEN": "other"}
        run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}", environ=environ)
        shown = [request.header("Authorization") for request in admin.requests]
    assert shown == ["Bearer s3cret", None, "Bearer other"]


def test_a_token_that_is_wanted_or_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with Origin(answer(b"{}", "401 Unauthorized")) as admin:
        result = run(tmp_path, "routes", f"--api=http://127.0.0.1:{admin.port}")
    assert (result.returncode, "RONDPOINT_API_TOKEN" in result.stderr) == (1, True)
    result = run(tmp_path, "routes", "--api.tokenFile=/nowhere")
    assert (result.returncode, "the token cannot be read" in result.stderr) == (1, True)
