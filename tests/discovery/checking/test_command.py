"""The command `rondpoint check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from discovery.checking.command import check

ROUTES = """
http:
  routers: {r: {rule: "Host(`r.test`)", service: s, entryPoints: [any]}}
  services: {s: {loadBalancer: {servers: [{url: "http://10.0.0.1"}, {url: "http://10.0.0.2", weight: 2}]}}}
"""


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RONDPOINT_FLAGS", raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, arguments, catch_exceptions=False)


def test_the_routes_of_a_route_file_are_listed(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    result = run("routes.yml")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "routes: routes.yml",
        "  r@file: Host(`r.test`) (priority 14)",
        "    → s@file: http://10.0.0.1:80, http://10.0.0.2:80 (weight 2)",
    ]


def test_the_files_of_a_directory_are_checked_together(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "routers.yml").write_text("http: {routers: {r: {rule: Host(`a`), service: s}}}")
    (tmp_path / "d" / "services.toml").write_text(
        "[[http.services.s.loadBalancer.servers]]\nurl = 'http://10.0.0.1'\n"
    )
    result = run("d")
    assert result.exit_code == 0
    assert "→ s@file: http://10.0.0.1:80" in result.output


def test_a_file_with_a_private_key_or_an_unknown_transport_is_an_error(tmp_path: Path) -> None:
    transports = {
        "t": {"certificates": [{"certFile": "/c", "keyFile": "-----BEGIN PRIVATE KEY-----\nsecret"}]}
    }
    balancer = {"servers": [{"url": "http://10.0.0.1"}], "serversTransport": "nowhere"}
    tree = {"http": {"serversTransports": transports, "services": {"s": {"loadBalancer": balancer}}}}
    (tmp_path / "routes.yml").write_text(json.dumps(tree))
    result = run("routes.yml")
    assert result.exit_code == 1
    assert "keyFile contains a private key" in result.output
    assert "serversTransport 'nowhere@file' does not exist" in result.output
    assert "secret" not in result.output


def test_after_an_error_that_names_file_key_and_value_the_exit_status_is_1(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES.replace("Host(", "Hots("))
    result = run("routes.yml")
    assert result.exit_code == 1
    assert (
        'error: file: routes.yml: http.routers.r.rule="Hots(`r.test`)": unknown matcher Hots' in result.output
    )


def test_a_rule_that_cannot_be_read_is_shown_with_a_caret_under_the_error(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES.replace("`r.test`)", "`r.test`) && Hots(`x`)"))
    lines = run("routes.yml").output.splitlines()
    index = lines.index("  Host(`r.test`) && Hots(`x`)")
    assert lines[index + 1] == "                    ^"
    assert "unknown matcher Hots (at character 19)" in lines[index - 1]
    (diagnostic,) = json.loads(run("--json", "routes.yml").output)["diagnostics"]
    assert diagnostic["excerpt"].splitlines() == lines[index : index + 2]


LAYERS = """
http:
  routers:
    up: {rule: Host(`up.test`)}
    down: {rule: Path(`/x`), parentRefs: [up], service: s}
    alone: {rule: Host(`alone.test`)}
  services: {s: {loadBalancer: {servers: [{url: "http://10.0.0.1"}]}}}
"""


def test_parent_and_child_routers_are_shown_and_a_router_without_a_service_is_reported(
    tmp_path: Path,
) -> None:
    (tmp_path / "routes.yml").write_text(LAYERS)
    result = run("routes.yml")
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[-5:-1] == [
        "  up@file: Host(`up.test`) (priority 15)",
        "    → its child routers",
        "  down@file: Path(`/x`) (priority 10, below up@file)",
        "    → s@file: http://10.0.0.1:80",
    ]
    (found,) = json.loads(run("routes.yml", "--json").output)["diagnostics"]
    message = "left out, because it names no service, and no router has it as parent"
    assert (found["subject"], found["message"], found["line"]) == ("router alone@file", message, 6)
    assert found["hint"] == "set service, or parentRefs of another router; it would serve Host(`alone.test`)"


def test_after_a_warning_alone_the_exit_status_is_0(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES + "htp: {}\n")
    result = run("routes.yml")
    assert result.exit_code == 0
    assert "warning: file: routes.yml: htp is unknown (did you mean http?)" in result.output


def test_a_closed_entry_point_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "traefik.toml").write_text("[entryPoints.web.clientIPStrategy]\ndepth = 1\n")
    result = run("traefik.toml")
    assert result.exit_code == 1
    message = "entryPoints.web.clientIPStrategy is not served yet, so entry point web is closed"
    assert (
        f"error: settings: {tmp_path}/traefik.toml: entryPoints.web.clientIPStrategy: {message}"
        in result.output
    )


WITH_MIDDLEWARES = """
entryPoints: {any: {address: ":80", http: {middlewares: [MIDDLEWARE]}}}
providers: {file: {filename: routes.yml}}
"""
MISSING = "its routers respond with 503: middleware no@file does not exist"
CHECKED = {
    **{"no@file": [MISSING], "strip@file": [], "auth@docker": [], "both@file": []},
    # Routers of files look for these names in files.
    **{"none": [MISSING.replace("no@", "none@")], "strip": [], "both": []},
}


@pytest.mark.parametrize("middleware", CHECKED)
def test_a_middleware_of_an_entry_point_is_looked_up(tmp_path: Path, middleware: str) -> None:
    strip, both = "{stripPrefix: {prefixes: [/a]}}", "{chain: {middlewares: [strip, auth@docker]}}"
    middlewares = f"  middlewares: {{strip: {strip}, both: {both}}}\n"
    (tmp_path / "routes.yml").write_text(ROUTES + middlewares)
    (tmp_path / "traefik.yml").write_text(WITH_MIDDLEWARES.replace("MIDDLEWARE", middleware))
    result = run("--json", "traefik.yml")
    found = json.loads(result.output)["diagnostics"]
    assert [(each["subject"], each["message"]) for each in found] == [
        ("entry point any", message) for message in CHECKED[middleware]
    ]
    assert result.exit_code == bool(found)


def test_an_option_of_traefik_1_that_is_not_served_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "traefik.toml").write_text('[entryPoints.web.auth.forward]\naddress = "ftp://a"\n')
    result = run("traefik.toml")
    assert result.exit_code == 1
    assert "error: settings: entry point web: its routers respond with 503: " in result.output
    assert "entryPoints.web.auth.forward.address is not valid" in result.output


def test_a_reference_to_a_missing_service_of_the_same_provider_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text("http: {routers: {r: {rule: Host(`a`), service: nowhere}}}")
    result = run("routes.yml")
    assert result.exit_code == 1
    assert "nowhere@file" in result.output


def test_a_reference_to_another_provider_is_not_checked(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text("http: {routers: {r: {rule: Host(`a`), service: s@docker}}}")
    assert run("routes.yml").exit_code == 0


def test_a_settings_file_is_checked_with_the_route_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    (tmp_path / "traefik.toml").write_text(
        '[entryPoints.any]\naddress = ":8001"\n[providers.file]\nfilename = "routes.yml"\n'
    )
    for arguments in (["traefik.toml"], []):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        assert "traefik.toml" in result.output
        assert "r@file" in result.output


def test_an_entry_point_that_the_settings_do_not_have_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES)
    result = run("--providers.file.filename=routes.yml")
    assert result.exit_code == 1
    assert "entry point 'any' does not exist" in result.output


def test_after_an_unknown_setting_the_exit_status_is_1() -> None:
    result = run("--entryPonts.web.address=:80")
    assert result.exit_code == 1
    assert "entryPoints" in result.output


def test_after_an_unreadable_file_or_directory_the_exit_status_is_1(tmp_path: Path) -> None:
    assert run("nowhere.yml").exit_code == 1
    assert run("--providers.file.directory=nowhere").exit_code == 1


COMPOSE = """
name: shop
services:
  web:
    image: shop
    expose: ["9000"]
    labels:
      - "traefik.enable=true"
      - "traefik.http.routers.web.rule=Host(`${DOMAIN:-shop.test}`)"
  old:
    image: old
    networks: [front]
    ports: ["8080:80"]
    labels:
      traefik.frontend.rule: Host:old.test
      traefik.enable: true
networks: {front: {name: front-net}}
"""


def test_the_labels_of_a_compose_file_are_checked(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    result = run("compose.yml")
    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "routes: compose.yml",
            "  web@docker: Host(`shop.test`) (priority 17)",
            "    → web-shop@docker: http://web:9000",
            "  frontend-Host-old.test@docker: Host:old.test (priority 13)",
            "    → old-shop@docker: http://old:80",
        ],
    )


PROXY = """
  traefik:
    image: ${IMAGE:-traefik}:1.7
    command: >
      --web --docker
      --docker.exposedByDefault=false
      --healthCheck.interval=9s
    volumes: [./traefik.toml:/traefik.toml]
"""


def test_the_settings_of_a_proxy_in_a_compose_file_are_checked(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    compose = tmp_path / "deploy" / "compose.yml"
    compose.write_text(COMPOSE.replace("services:", "services:" + PROXY))
    (tmp_path / "deploy" / "traefik.toml").write_text("[file]\n[accessLog]\nformat = 'json'\n")
    result = run("deploy/compose.yml")
    assert (result.exit_code, result.output.splitlines()[:2]) == (
        0,
        [
            "service traefik (deploy/compose.yml:4): 6 settings (4 of command, 2 of deploy/traefik.toml); "
            "5 served, 1 not: healthCheck.interval",
            "deploy/compose.yml:9: warning: settings: service traefik: flag --healthCheck.interval: "
            "healthCheck is not served yet",
        ],
    )
    assert "traefik-shop@docker" not in result.output
    assert run("--strict", "deploy/compose.yml").exit_code == 1
    [proxy] = json.loads(run("--json", "deploy/compose.yml").output)["proxies"]
    assert proxy == {
        "service": "traefik",
        "file": "deploy/compose.yml",
        "line": 4,
        "read": {"command": 4, "deploy/traefik.toml": 2},
        "served": 5,
        "unserved": ["healthCheck.interval"],
        "starts": True,
    }
    (tmp_path / "deploy" / "traefik.toml").write_text("[accesLog]\n")
    result = run("deploy/compose.yml")
    assert result.exit_code == 1
    assert "deploy/traefik.toml:1: error: settings: deploy/traefik.toml: accesLog" in result.output
    assert "Rondpoint does not start with them" in result.output


def test_a_router_with_tls_needs_no_entry_point_with_tls(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES.replace("entryPoints: [any]", "tls: true"))
    assert run("routes.yml").exit_code == 0
    result = run("routes.yml", "--entryPoints.web.address=:8001")
    assert result.exit_code == 0
    assert "error" not in result.output


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "=Host(",
            "=Hots(",
            "compose.yml:9: error: docker: container shop-web-1: label traefik.http.routers",
        ),
        (
            "traefik.enable=true",
            "traefik.enabel=true",
            "compose.yml:8: warning: docker: container shop-web-1",
        ),
        ("frontend.rule:", "frontend.rul:", "compose.yml:15: warning: docker: container shop-old-1: label"),
        (
            "${DOMAIN:-shop.test}",
            "a.${DOMAIN}test",
            "compose.yml:9: warning: docker: container shop-web-1: label",
        ),
        (
            "expose:",
            "x-expose:",
            "compose.yml:4: note: docker: container shop-web-1: the compose file does not name its port",
        ),
        (
            "    ports:",
            "    deploy: {labels: {traefik.port: 1}}\n    ports:",
            "compose.yml:10: warning: docker",
        ),
    ],
)
def test_an_error_in_a_compose_file_is_reported_with_its_line(
    tmp_path: Path, right: str, wrong: str, expected: str
) -> None:
    assert COMPOSE.count(right) == 1
    (tmp_path / "compose.yml").write_text(COMPOSE.replace(right, wrong))
    result = run("compose.yml")
    assert expected in result.output
    assert result.exit_code == ("error" in expected)
    if "note" not in expected:
        assert run("--strict", "compose.yml").exit_code == 1


def test_variables_come_from_the_environment_and_from_the_env_file_beside_the_compose_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    (tmp_path / ".env").write_text('# hosts\nexport DOMAIN="beside.test" \n')
    assert "Host(`beside.test`)" in run("compose.yml").output
    monkeypatch.setenv("DOMAIN", "given.test")
    assert "Host(`given.test`)" in run("compose.yml").output


def test_the_names_of_the_project_and_its_networks_may_contain_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT", "shop")
    (tmp_path / "compose.yml").write_text(
        "name: ${PROJECT:-other}\n"
        "services:\n"
        "  web: {expose: [80], networks: [front], labels: [traefik.docker.network=shop-net]}\n"
        "  empty:\n"
        "networks: {front: {name: '${PROJECT}-net'}}\n"
    )
    result = run("compose.yml", "--strict")
    assert "web-shop@docker: Host(`web-shop`)" in result.output
    assert "empty-shop@docker" in result.output
    assert result.exit_code == 0, result.output


def test_flags_select_the_containers_that_are_routed(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE.replace("      traefik.enable: true\n", ""))
    output = run("compose.yml", "--providers.docker.exposedByDefault=false").output
    assert "compose.yml:10: note: docker: container shop-old-1: not routed" in output
    assert "web@docker" in output
    result = run("compose.yml", "--providers.docker.constraints=Lable(`a`)")
    assert (result.exit_code, "providers.docker.constraints" in result.output) == (1, True)


def test_several_files_are_checked_together(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    routes = "http: {routers: {r: {rule: Host(`r.test`), service: web-shop@docker}}}\n"
    (tmp_path / "routes.yml").write_text(routes)
    (tmp_path / "rondpoint.yml").write_text('entryPoints: {web: {address: ":8001"}}\n')
    result = run("compose.yml", "routes.yml", "rondpoint.yml")
    assert result.exit_code == 0, result.output
    assert "r@file" in result.output
    assert "→ web-shop@docker: http://web:9000" in result.output
    (tmp_path / "routes.yml").write_text(routes.replace("web-shop@", "gone@"))
    result = run("compose.yml", "routes.yml")
    assert result.exit_code == 1
    assert (
        "routes.yml:1: error: file: router r@file: left out, because its service 'gone@docker'"
        in result.output
    )
    assert run("rondpoint.yml", "rondpoint.yml").exit_code == 1


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        (
            "r.yml",
            "http:\n  routers:\n    a.b: {rule: 'Host(`a`)', service: s@docker,\n      priorty: 3}\n",
            4,
        ),
        (
            "r.yml",
            "http:\n  services:\n    s:\n      loadBalancer:\n        servers:\n        - url: 17\n",
            6,
        ),
        ("r.yml", "http:\n  routers: [\n", 3),
        ("r.yml", "http:\n  routers:\n    r: {rule: 'Host(`a`)', service: gone}\n", 3),
        ("r.toml", "[http.routers.'a.b']\nrule = 'Hots(`a`)'\nservice = 's@docker'\n", 2),
        ("r.toml", "[http.routers.r]\nrule = 'Host(`a`)'\nservice = 'gone'\n", 1),
        ("r.toml", "[frontends.f]\nbackend = 'gone'\n", 1),
        ("r.toml", "[frontends\n", 1),
        ("rondpoint.toml", "[api]\ntokn = 'x'\n", 2),
        ("rondpoint.yml", "entryPoints:\n  web:\n    address: ':80x'\n", 3),
    ],
)
def test_an_error_in_a_file_is_reported_with_its_line(
    tmp_path: Path, name: str, text: str, line: int
) -> None:
    (tmp_path / name).write_text(text)
    diagnostics = json.loads(run("--json", name).output)["diagnostics"]
    assert (name, line) in [(diagnostic.get("file"), diagnostic.get("line")) for diagnostic in diagnostics], (
        diagnostics
    )


def test_control_characters_in_names_and_values_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(
        'services: {a: {labels: {"traefik.http.routers.a\\e[2J.ruel": x, "traefik.b\\nerror: forged": x}}}'
    )
    result = CliRunner().invoke(check, ["compose.yml"], color=True)
    assert "\x1b" not in result.output
    assert r"a\x1b[2J" in result.output
    assert r"b\nerror: forged" in result.output


def test_json_output_is_one_object(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES + "htp: {}\n")
    result = run("routes.yml", "--json")
    assert json.loads(result.output) == {
        "diagnostics": [
            {
                "severity": "warning",
                "source": "file",
                "subject": "routes.yml",
                "message": "htp is unknown",
                "hint": "did you mean http?",
                "file": "routes.yml",
                "line": 5,
            }
        ],
        "counts": {"error": 0, "warning": 1, "note": 0},
        "settings": None,
        "proxies": [],
        "files": ["routes.yml"],
        "routers": [
            {
                "name": "r@file",
                "rule": "Host(`r.test`)",
                "priority": 14,
                "entryPoints": ["any"],
                "middlewares": [],
                "steps": [],
                "parentRefs": [],
                "service": "s@file",
                "servers": ["http://10.0.0.1:80", "http://10.0.0.2:80"],
            }
        ],
        "tcpRouters": [],
        "udpRouters": [],
    }
    assert (result.exit_code, run("routes.yml", "--json", "--strict").exit_code) == (0, 1)


CHAINED = """
services:
  web:
    image: web
    expose: [80]
    labels:
      - traefik.http.routers.web.rule=Host(`a.test`)
      - traefik.http.routers.web.middlewares=all,headers@file
      - traefik.http.middlewares.all.chain.middlewares=strip,all
      - traefik.http.middlewares.strip.stripprefix.prefixes=/a
"""


def test_middlewares_are_listed_with_their_options_and_the_members_of_chains(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(CHAINED)
    (router,) = json.loads(run("--json", "compose.yml").output)["routers"]
    assert router["steps"] == [
        {"name": "strip@docker", "kind": "stripPrefix", "options": {"prefixes": ["/a"], "forceSlash": True}},
        {"name": "headers@file"},
    ]


def test_a_middleware_in_a_file_is_an_error_if_the_proxy_reads_no_files(tmp_path: Path) -> None:
    proxy = "  traefik: {image: traefik:v3, command: [--providers.docker, --entryPoints.web.address=:80]}\n"
    missing = "its middleware 'headers@file' does not exist"
    (tmp_path / "compose.yml").write_text(CHAINED)
    assert missing not in run("compose.yml").output
    (tmp_path / "compose.yml").write_text(CHAINED + proxy)
    result = run("compose.yml")
    assert (result.exit_code, missing in result.output) == (1, True)


def test_the_compose_file_of_this_repository_has_no_errors() -> None:
    file = Path(__file__).parents[3] / "docker-compose.yml"
    result = run("--strict", str(file), "--providers.docker.exposedByDefault=false")
    assert result.exit_code == 0, result.output
    assert "Host:hello.localhost" in result.output


def test_a_misspelt_service_of_rondpoint_itself_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(ROUTES.replace("service: s,", "service: apis@internal,"))
    result = run("routes.yml")
    assert result.exit_code == 1
    assert "its service 'apis@internal' does not exist" in result.output
    assert "routers may name api@internal" in result.output


LAYER4 = """
tcp:
  routers:
    db: {rule: "HostSNI(`db.test`)", service: db, middlewares: [lan], tls: {passthrough: true}}
    all: {rule: "HostSNI(`*`)", service: both@docker, entryPoints: [any]}
    lost:
      rule: HostSNI(`*`)
      service: bd
  services: {db: {loadBalancer: {servers: [{address: "10.0.0.1:5432"}]}}}
  middlewares: {lan: {ipAllowList: {sourceRange: [10.0.0.0/8]}}}
udp:
  routers: {dns: {service: dns}}
  services: {dns: {loadBalancer: {servers: [{address: "10.0.0.1:53"}]}}}
"""


def test_routers_of_tcp_and_udp_are_checked_and_listed(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(LAYER4)
    result = run("routes.yml")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "routes.yml:6: error: file: TCP router lost@file: left out, because its service 'bd@file' does not "
        "exist (did you mean 'db@file'?; it would serve HostSNI(`*`))",
        "routes: routes.yml",
        "  db@file: TCP, HostSNI(`db.test`) (priority 18, TLS passes through)",
        '    1. lan@file (ipAllowList: sourceRange=["10.0.0.0/8"])',
        "    → db@file: 10.0.0.1:5432",
        "  all@file: TCP, HostSNI(`*`) (priority -1)",
        "    → both@docker: no servers known here",
        "  dns@file: UDP, all entry points for UDP",
        "    → dns@file: 10.0.0.1:53",
        "1 error",
    ]
    content = json.loads(run("routes.yml", "--json").output)
    assert [each["name"] for each in content["tcpRouters"]] == ["db@file", "all@file"]
    assert content["udpRouters"] == [
        {"name": "dns@file", "entryPoints": [], "service": "dns@file", "servers": ["10.0.0.1:53"]}
    ]


def test_entry_points_of_tcp_and_udp_are_those_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(LAYER4.replace("entryPoints: [any]", "entryPoints: [dns]"))
    result = run("routes.yml", "--entryPoints.web.address=:80", "--entryPoints.dns.address=:53/udp")
    assert "TCP router all@file: entry point 'dns' is for UDP and the router names no other" in result.output
    assert "dns@file: UDP" in result.output
    without = run("routes.yml", "--entryPoints.web.address=:80")
    assert "UDP router dns@file: left out, because there is no entry point for UDP" in without.output
    assert "routes.yml:12: error" in without.output


def test_labels_for_tcp_and_udp_are_checked_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n  db:\n    image: db\n    expose: [5432, 53/udp]\n    labels:\n"
        "      - traefik.tcp.routers.db.rule=Host(`a`)\n"
        "      - traefik.udp.routers.dns.entrypoints=dns\n"
        "      - traefik.udp.routers.dns.service=nds\n"
    )
    lines = run("docker-compose.yml").output.splitlines()
    assert lines[0].startswith("docker-compose.yml:6: error: docker: container ")
    assert any(line.startswith("docker-compose.yml:7: error") and "UDP router dns" in line for line in lines)


def test_templates_in_a_route_file_use_the_variables_of_the_proxy(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text(
        "http:\n  routers:\n    r: {rule: 'Host(`{{ env \"DOMAIN\" }}`)', service: nowhere}\n"
    )
    (tmp_path / "compose.yml").write_text(
        "services:\n"
        "  p:\n"
        "    image: traefik:v3\n"
        "    command: --providers.file.filename=/routes.yml\n"
        "    environment: [DOMAIN=a.test]\n"
        "    volumes: ['./routes.yml:/routes.yml']\n"
    )
    result = run("compose.yml")
    assert "routes.yml:3: error" in result.output
    assert "it would serve Host(`a.test`)" in result.output


OTHER_FILE = """
services:
  web:
    image: web
    ports: [80]
    labels:
      - traefik.http.routers.web.rule=Host(`web.test`)
      - traefik.http.routers.web.middlewares=gzip,sign-in
      - traefik.http.middlewares.gzip.compress=true
"""


def test_without_a_proxy_a_middleware_may_be_in_another_compose_file(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(OTHER_FILE)
    result = run("compose.yml")
    assert result.exit_code == 0
    assert "web@docker: Host(`web.test`)" in result.output
    assert (
        "warning: docker: router web@docker: its middleware 'sign-in@docker' is not defined" in result.output
    )
    assert "gzip@docker' is not defined" not in result.output


def test_beside_a_proxy_a_missing_middleware_is_an_error(tmp_path: Path) -> None:
    proxy = "  traefik: {image: 'traefik:v3', command: --providers.docker}\n"
    (tmp_path / "compose.yml").write_text(OTHER_FILE + proxy)
    result = run("compose.yml")
    assert result.exit_code == 1
    assert "because its middleware 'sign-in@docker' does not exist" in result.output


LABELS = """
services:
  web:
    image: web
    ports: [80]
    labels: {}
"""


@pytest.mark.parametrize(
    ("labels", "correction"),
    [
        ('["traefik.docker.network: public"]', "traefik.docker.network=public"),
        ("[traefik.http.routers.r.entrypoints:web]", "traefik.http.routers.r.entrypoints=web"),
        ('{"traefik.http.routers.r.tls=true": }', "traefik.http.routers.r.tls: true"),
    ],
)
def test_a_label_in_the_other_syntax_is_reported_with_the_correction(
    tmp_path: Path, labels: str, correction: str
) -> None:
    (tmp_path / "compose.yml").write_text(LABELS.format(labels))
    output = run("compose.yml").output
    assert "compose.yml:6: warning: docker: container " in output
    assert f"has no value, because its name contains it (write {correction})" in output


def test_a_variable_may_hold_a_whole_label(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(LABELS.format('["${RULE}"]'))
    (tmp_path / ".env").write_text("RULE=traefik.http.routers.r.rule=Host(`a.test`)")
    assert "r@docker: Host(`a.test`)" in run("compose.yml").output


def test_labels_for_constraints_are_no_mistakes(tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(LABELS.format("[traefik.constraint-label=public]"))
    assert "unknown" not in run("compose.yml").output
