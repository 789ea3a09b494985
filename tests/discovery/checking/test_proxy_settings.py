"""Checks of the settings of a compose file's proxy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from discovery.checking.checker import check_files
from discovery.checking.report import CheckReport, as_json, as_text
from rondpoint.diagnostics import Severity

SCENE_1 = """
version: '2'
services:
  traefik:
    image: traefik:1.5
    command: --web --docker --logLevel=DEBUG
    ports: ["80:80", "8080:8080"]
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - $PWD/traefik.toml:/traefik.toml
  webapp:
    image: osones/helloworld
    labels:
      - traefik.port=80
      - traefik.backend=hello
      - traefik.frontend.rule=Host:hello.docker
"""
SCENE_1_FILE = """
[docker]
domain = "docker"
endpoint = "unix:///var/run/docker.sock"
watch = true
"""
SCENE_2 = """
version: '2'
services:
  consul:
    image: progrium/consul
    command: -server -bootstrap
    labels: {SERVICE_IGNORE: "true"}
  registrator:
    image: gliderlabs/registrator
    command: -internal consul://172.17.0.1:8500
    volumes: ["/var/run/docker.sock:/tmp/docker.sock"]
  traefik:
    image: traefik:1.5
    ports: ["80:80", "8080:8080"]
    volumes: [$PWD/traefik.toml:/traefik.toml]
    labels: {SERVICE_IGNORE: "true"}
  hello:
    image: osones/helloworld
    labels: {SERVICE_NAME: "hello"}
  hello2:
    image: osones/helloworld
    labels: {SERVICE_TAGS: "traefik.backend=hello2,traefik.frontend.rule=Host:hello2.osones.com"}
"""
SCENE_2_FILE = """
logLevel = "DEBUG"
[web]
address = ":8080"
[consulCatalog]
endpoint = "172.17.0.1:8500"
domain = "consul.local"
prefix = "traefik"
"""


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(text: str, files: Mapping[str, str] | None = None) -> CheckReport:
    for name, content in {"compose.yml": text, **(files or {})}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(textwrap.dedent(content))
    return check_files([Path("compose.yml")], (), {"COMPOSE_PROJECT_NAME": "shop"}, Path.cwd())


def check_proxy_service(
    service: str, files: Mapping[str, str] | None = None, *, more: str = ""
) -> CheckReport:
    """Check a compose file with a service `p`, whose keys begin in line 3."""
    return check(
        "services:\n  p:\n" + textwrap.indent(textwrap.dedent(service).strip(), "    ") + more, files
    )


def first_lines(result: CheckReport) -> list[str]:
    return [diagnostic.lines()[0] for diagnostic in result.diagnostics]


def summary(result: CheckReport) -> str:
    [served] = result.proxies
    return served.summary()


def router_names(result: CheckReport) -> list[str]:
    assert result.configuration is not None
    return sorted(result.configuration.routers)


def test_the_first_scene_of_the_article_is_served_unchanged() -> None:
    result = check(SCENE_1, {"traefik.toml": SCENE_1_FILE})
    assert summary(result) == (
        "service traefik (compose.yml:4): 6 settings (3 of command, 3 of traefik.toml); all served"
    )
    assert first_lines(result) == []
    # The domain gives services without a rule their default rule.
    assert any("Host:hello.docker" in line for line in as_text(result))
    assert any("Host:traefik.shop.docker" in line for line in as_text(result))


def test_the_second_scene_of_the_article_is_served_unchanged() -> None:
    result = check(SCENE_2, {"traefik.toml": SCENE_2_FILE})
    assert summary(result) == "service traefik (compose.yml:12): 5 settings (5 of traefik.toml); all served"
    assert first_lines(result) == []
    # Its containers are routed from Consul's catalogue, not from their labels.
    assert router_names(result) == []


UNKNOWN_FILES = [
    "volumes: ['./absent.yml:/etc/traefik/traefik.yml']",
    "volumes: ['./absent:/etc/traefik']",
    "volumes: ['conf:/etc/traefik']",
    "{command: --configFile=/conf/a.yml, volumes: ['/absent:/conf']}",
]
ROUTER = """
  shop:
    image: shop
    labels:
      - traefik.http.routers.shop.rule=Host(`shop.test`)
      - traefik.http.routers.shop.entrypoints=other
      - traefik.http.routers.shop.middlewares=auth@file
      - traefik.http.services.shop.loadbalancer.server.port=80
"""


@pytest.mark.parametrize("service", UNKNOWN_FILES)
def test_a_settings_file_that_is_not_here_may_have_any_entry_point(service: str) -> None:
    service = service.strip("{}").replace(", volumes", "\nvolumes")
    result = check_proxy_service(f"image: traefik:v3\n{service}", more=ROUTER)
    assert "shop@docker" in router_names(result)
    assert [each for each in result.diagnostics if each.severity is Severity.ERROR] == []


def test_flags_beside_a_volume_say_which_entry_points_there_are() -> None:
    service = "image: traefik:v3\ncommand: --providers.docker\nvolumes: ['conf:/etc/traefik']"
    result = check_proxy_service(service, more=ROUTER.replace("@file", "@other"))
    assert any("entry point 'other' does not exist" in line for line in first_lines(result))


QUICK_STARTS = [
    # The first examples of the documentation of Traefik 1.7 and Traefik 3.
    ("{image: 'traefik:v1.7', command: --api --docker}", 2),
    (
        "{image: 'traefik:v3.6', command: --api.insecure=true --providers.docker, "
        "volumes: ['/var/run/docker.sock:/var/run/docker.sock']}",
        2,
    ),
    ("{image: traefik, command: [--api.insecure=true, --providers.docker=true]}", 2),
    ("{image: 'traefik:1.7', command: \"--entryPoints='Name:http Address::80' --docker\"}", 2),
    ("{image: traefik}", 0),
]


@pytest.mark.parametrize(("service", "count"), QUICK_STARTS)
def test_first_examples_are_served(service: str, count: int) -> None:
    result = check(f"services:\n  p: {service}\n")
    assert first_lines(result) == [line for line in first_lines(result) if "80 is assumed" in line]
    expected = (
        f"{count} settings ({count} of command); all served" if count else "no settings; the defaults apply"
    )
    assert summary(result) == f"service p (compose.yml:2): {expected}"


UNSERVED = """
image: traefik:v3.6
command:
  - --providers.docker
  - --entrypoints.web.address=:80
  - --docker.filename=docker.tmpl
  - --entrypoints.web.clientipstrategy.depth=1
  - --hostresolver.cnameflattening=true
  - --global.sendanonymoususage=true
"""


def test_each_unserved_option_is_reported_with_its_line() -> None:
    result = check_proxy_service(UNSERVED)
    assert [(diagnostic.file, diagnostic.line) for diagnostic in result.diagnostics][:4] == [
        ("compose.yml", line) for line in (9, 10, 7, 8)
    ]
    assert [diagnostic.severity.value for diagnostic in result.diagnostics][:4] == [
        *("warning", "note", "error", "error")
    ]
    assert summary(result) == (
        "service p (compose.yml:2): 6 settings (6 of command); 2 served, 4 not: "
        "docker.filename, "
        "entrypoints.web.clientipstrategy.depth, "
        "hostresolver.cnameflattening, global.sendanonymoususage"
    )
    assert b'"served": 2' in as_json(result)
    assert result.failed(strict=False)


def test_a_file_with_a_certificate_resolver_has_no_error() -> None:
    text = """
services:
  proxy:
    image: traefik:v3.6
    command:
      - --providers.docker
      - --entrypoints.web.address=:80
      - --entrypoints.web.http.redirections.entrypoint.to=websecure
      - --entrypoints.websecure.address=:443
      - --certificatesresolvers.le.acme.email=a@b.test
      - --certificatesresolvers.le.acme.httpchallenge.entrypoint=web
  web:
    image: web
    expose: [80]
    labels:
      traefik.http.routers.w.rule: Host(`w`)
      traefik.http.routers.w.entrypoints: websecure
      traefik.http.routers.w.tls.certresolver: le
"""
    result = check(text)
    assert router_names(result) == ["proxy-shop@docker", "w@docker"]
    assert not result.failed(strict=False)
    assert not any("tls.certresolver" in line for line in first_lines(result))


def test_wrong_settings_are_errors_with_their_lines_and_warnings_remain() -> None:
    result = check_proxy_service(
        UNSERVED.replace("web.address=:80", "web.address=:80x").replace("providers", "provders")
    )
    lines = first_lines(result)
    assert any("compose.yml:5: error: settings: service p: flag --provders.docker" in line for line in lines)
    assert any(
        "compose.yml:6: error: settings: service p: flag --entrypoints.web.address" in line for line in lines
    )
    assert any("compose.yml:9: warning" in line for line in lines)
    assert summary(result).endswith("; Rondpoint does not start with them")
    assert result.failed(strict=False)


def test_a_mounted_settings_file_is_read_with_its_lines_and_the_route_files_that_it_names() -> None:
    result = check_proxy_service(
        """
        image: traefik:v3.6
        volumes:
          - ./traefik:/etc/traefik:ro
          - type: bind
            source: ./routes
            target: /routes
        """,
        {
            "traefik/traefik.yml": """
            hostResolver:
              cnameFlattening: true
            providers:
              file:
                directory: /routes
            """,
            "routes/a.yml": "http:\n  routers:\n    r:\n      rule: Hots(`a`)\n      service: s\n",
        },
    )
    assert summary(result) == (
        "service p (compose.yml:2): 2 settings (2 of traefik/traefik.yml); "
        "1 served, 1 not: hostResolver.cnameFlattening"
    )
    lines = first_lines(result)
    assert lines[0].startswith("traefik/traefik.yml:2: warning: settings: traefik/traefik.yml: hostResolver")
    assert any(line.startswith("routes/a.yml:4: error: file: routes/a.yml") for line in lines)
    assert "routes/a.yml" in result.files


def test_routes_in_a_settings_file_of_traefik_1_are_checked() -> None:
    result = check_proxy_service(
        "image: traefik:1.7\ncommand: --configFile=/t.toml\nvolumes: [./t.toml:/t.toml]",
        {
            "t.toml": """
            [file]
            [backends.b.servers.s]
            url = "http://10.0.0.1"
            [frontends.f]
            backend = "b"
            [frontends.f.routes.r]
            rule = "Host:a.test"
            """
        },
    )
    assert not result.failed(strict=True)
    assert summary(result).endswith("1 setting (1 of t.toml); all served")
    assert router_names(result) == ["f@file"]


@pytest.mark.parametrize(
    ("service", "message", "line"),
    [
        (
            "volumes: [./t.toml:/traefik.toml]",
            "warning: settings: service p: /traefik.toml: t.toml does not exist",
            4,
        ),
        ("volumes: [./t:/etc/traefik]", "warning: settings: service p: /etc/traefik: t does not exist", 4),
        (
            "volumes: [./d:/etc/traefik/traefik.yml]",
            "warning: settings: service p: /etc/traefik/traefik.yml: d is a",
            4,
        ),
        (
            "command: --configFile=/c/t.yml\nvolumes: ['./none:/c']",
            "warning: settings: service p: /c: none does not exist",
            5,
        ),
        (
            "command: --configFile=/c/t.yml\nvolumes: ['named:/c']",
            "note: settings: service p: flag --configFile: /c/t.yml is not mounted from this machine",
            4,
        ),
        (
            "command: --providers.file.filename=/r.yml",
            "note: settings: service p: flag --providers.file.filename: /r.yml is not mounted",
            4,
        ),
        (
            "command: --providers.file.filename=/r/a/b.yml\nvolumes: ['./none:/r']",
            "warning: settings: service p: /r: none does not exist",
            5,
        ),
        (
            "command: --providers.file.directory=/r\nvolumes: ['./none:/r']",
            "warning: settings: service p: /r: none does not exist",
            5,
        ),
    ],
)
def test_files_that_this_machine_does_not_have_are_reported(service: str, message: str, line: int) -> None:
    Path("d").mkdir()
    result = check_proxy_service(f"image: traefik\n{service}")
    assert [each for each in first_lines(result) if each.startswith(f"compose.yml:{line}: {message}")], (
        first_lines(result)
    )
    assert not result.failed(strict=False)
    assert result.proxies[0].starts


def test_a_settings_file_that_a_flag_names_must_be_in_its_mount() -> None:
    result = check_proxy_service(
        "image: traefik\ncommand: --configFile=/c/t.yml\nvolumes: ['./d:/c']", {"d/other.yml": ""}
    )
    assert (
        "compose.yml:4: error: settings: service p: flag --configFile: there is no file /c/t.yml"
        in first_lines(result)[0]
    )


@pytest.mark.parametrize("text", ["a: [\n", "token: secret\n  x: [", "- a\n", "a: 1\na: 2\n"])
def test_a_settings_file_that_cannot_be_read_is_an_error(text: str) -> None:
    result = check_proxy_service("image: traefik\nvolumes: ['./t.yml:/traefik.yml']", {"t.yml": text})
    assert any("error: settings: t.yml" in line for line in first_lines(result)), first_lines(result)
    assert not any("secret" in line for line in as_text(result))
    assert summary(result).endswith("Rondpoint does not start with them")


VARIABLES = """
    image: traefik:v3.6
    environment:
      TRAEFIK_LOG_LEVEL: DEBUG
      TRAEFIK_HOSTRESOLVER_CNAMEFLATTENING: "true"
      TRAEFIK_PROVIDERS_DOCKER: "true"
      TRAEFIK_DOMAIN: a.test
    """


def test_variables_of_traefik_are_read() -> None:
    result = check_proxy_service(textwrap.dedent(VARIABLES))
    subject = "warning: settings: service p: environment variable"
    name = "TRAEFIK_HOSTRESOLVER_CNAMEFLATTENING"
    assert [line.partition(" (")[0] for line in first_lines(result) if ": warning: " in line] == [
        f"compose.yml:6: {subject} {name}: hostresolver is not served yet"
    ]
    assert f"3 settings (3 of environment); 2 served, 1 not: {name}" in summary(result)


def test_variables_of_traefik_have_no_effect_beside_flags() -> None:
    result = check_proxy_service(textwrap.dedent(VARIABLES) + "command: --providers.swarm")
    lines = [line for line in first_lines(result) if "has no effect, as in Traefik" in line]
    assert len(lines) == 3
    assert lines[2].startswith(
        "compose.yml:7: warning: settings: service p: environment variable TRAEFIK_PROVIDERS_DOCKER: "
        "TRAEFIK_PROVIDERS_DOCKER has no effect, as in Traefik, because there are flags "
        "(to use it, rename it to RONDPOINT_PROVIDERS_DOCKER)"
    )


def test_an_unknown_variable_is_an_error_at_its_line() -> None:
    result = check_proxy_service("image: traefik\nenvironment:\n- TRAEFIK_LOG_LEVLE=INFO")
    [line] = [line for line in first_lines(result) if "LEVLE" in line]
    assert line.startswith(
        "compose.yml:5: error: settings: service p: environment variable TRAEFIK_LOG_LEVLE"
    )


@pytest.mark.parametrize("version", ["1.7", "v1.7"])
def test_traefik_1_reads_flags_and_a_file_together_as_rondpoint_does(version: str) -> None:
    result = check(SCENE_1.replace("1.5", version), {"traefik.toml": SCENE_1_FILE})
    assert first_lines(result) == []


WEB = """
  web:
    image: web
    expose: [80]
    labels: {traefik.http.routers.w.rule: Host(`w`), traefik.http.routers.w.entrypoints: e}
"""


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("--providers.docker --entrypoints.e.address=:80", ""),
        (
            "--providers.docker --entrypoints.f.address=:80",
            "error: docker: router w@docker: entry point 'e'",
        ),
        ("--providers.docker --providers.docker.exposedByDefault=false", "note: docker: container"),
        ("--providers.docker --providers.docker.constraints=Label(`a`,`b`)", "note: docker: container"),
        ("--providers.file.filename=/r.yml", "warning: docker: container"),
    ],
)
def test_labels_are_read_with_the_settings_of_the_proxy(command: str, message: str) -> None:
    result = check_proxy_service(f"image: traefik\ncommand: {command}\nexpose: [80]", more=WEB)
    about_web = [
        line
        for line in first_lines(result)
        if "w@docker" in line or "-web-1" in line or "constraints" in line
    ]
    assert ("w@docker" in router_names(result)) == (not message)
    assert [line for line in about_web if message in line] == about_web
    assert bool(about_web) == bool(message)


def test_constraints_that_cannot_be_read_are_an_error_at_their_line() -> None:
    service = "image: traefik\ncommand:\n- --providers.docker\n- --providers.docker.constraints=Lable(`a`)"
    [error] = [line for line in first_lines(check_proxy_service(service)) if "error" in line]
    subject = "service p: flag --providers.docker.constraints"
    assert error.startswith(f"compose.yml:6: error: docker: {subject}: 'Lable(`a`)' cannot be read")


def test_the_settings_of_agent_and_proxy_are_used_together() -> None:
    text = """
services:
  agent: {image: rondpoint, command: agent --providers.docker --providers.docker.exposedByDefault=false}
  proxy: {image: rondpoint, command: [proxy, --entryPoints.e.address=:80]}
  web: {image: web, expose: [80], labels: {traefik.enable: true, traefik.http.routers.w.rule: Host(`w`)}}
"""
    result = check(text)
    assert [served.summary().partition("; ")[2] for served in result.proxies] == ["all served", "all served"]
    assert router_names(result) == ["w@docker"]
    result = check(text.replace("Host(`w`)", "Host(`w`), traefik.http.routers.w.entryPoints: missing"))
    assert any("w@docker" in line and "missing" in line for line in first_lines(result))


def test_a_container_is_routed_if_one_of_several_proxies_reads_it() -> None:
    command = "--providers.docker --providers.docker.constraints=Label(`seen`,`{}`)"
    text = "services:\n"
    for name in "ab":
        text += f"  {name}: {{image: traefik, command: '{command.format(name)}', expose: [80]}}\n"
    for name in "abc":
        text += f"  web-{name}: {{image: web, expose: [80], labels: {{seen: {name}}}}}\n"
    assert router_names(check(text)) == ["web-a-shop@docker", "web-b-shop@docker"]


SECRETS = [
    "--api.token=hunter2 rest-of-it",
    "--api.basicAuth=hunter2",
    "--api.token --providers.consul.tls=hunter2 --providers.consul.password=hunter2",
    "--entryPoints='Address::80 Auth.Basic.Users:anna:hunter2'",
    "--redis.url=redis+sentinel://u:hunter2@h:bad/",
    "--redis.url=redis://u:hunter2@h/0?hunter2=1",
    "--tracing.otlp.http.endpoint=u:hunter2@h",
]


@pytest.mark.parametrize("flags", SECRETS)
def test_secrets_are_not_printed(flags: str) -> None:
    result = check_proxy_service(f'image: traefik\ncommand: "{flags}"')
    assert result.failed(strict=False)
    shown = "\n".join([*as_text(result), as_json(result).decode()])
    assert "hunter2" not in shown
    assert "rest-of-it" not in shown


def test_a_proxy_without_a_mounted_file_does_not_read_one_of_this_directory() -> None:
    result = check_proxy_service("image: traefik", {"traefik.toml": "[provders]\n"})
    assert summary(result) == "service p (compose.yml:2): no settings; the defaults apply"


@pytest.mark.parametrize("command", ["[sh, -c, traefik --docker]", "--docker='"])
def test_nothing_is_concluded_from_flags_that_cannot_be_read(command: str) -> None:
    result = check_proxy_service(f"image: traefik\ncommand: {command}\nexpose: [80]", more=WEB)
    assert summary(result) == "service p (compose.yml:2): no settings; its flags cannot be read"
    assert [line.partition(": ")[0] for line in first_lines(result)] == ["compose.yml:4"]
    assert "w@docker" in router_names(result)


def test_services_of_the_same_name_in_two_files_keep_their_lines() -> None:
    Path("b.yml").write_text("# other\nservices:\n  p:\n    image: traefik\n    command: --acme\n")
    check_proxy_service("image: traefik\ncommand: --acme")
    result = check_files([Path("compose.yml"), Path("b.yml")], (), {}, Path.cwd())
    lines = [
        (diagnostic.file, diagnostic.line)
        for diagnostic in result.diagnostics
        if "acme" in diagnostic.message
    ]
    assert lines == [("compose.yml", 4), ("b.yml", 5)]
