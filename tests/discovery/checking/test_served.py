"""What Rondpoint makes of the settings of a compose file's proxy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from discovery.checking.checker import check
from discovery.checking.report import Checked, as_json, as_text

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
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def checked(text: str, files: Mapping[str, str] | None = None) -> Checked:
    for name, content in {"compose.yml": text, **(files or {})}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(textwrap.dedent(content))
    return check([Path("compose.yml")], (), {"COMPOSE_PROJECT_NAME": "shop"}, Path.cwd())


def proxy(service: str, files: Mapping[str, str] | None = None, *, more: str = "") -> Checked:
    """Of a service `p`, whose keys begin in line 3."""
    return checked(
        "services:\n  p:\n" + textwrap.indent(textwrap.dedent(service).strip(), "    ") + more, files
    )


def told(result: Checked) -> list[str]:
    return [finding.lines()[0] for finding in result.findings]


def summary(result: Checked) -> str:
    [served] = result.proxies
    return served.told()


def names(result: Checked) -> list[str]:
    assert result.configuration is not None
    return sorted(result.configuration.routers)


def test_the_first_scene_of_the_article_is_served_as_it_is() -> None:
    result = checked(SCENE_1, {"traefik.toml": SCENE_1_FILE})
    assert summary(result) == (
        "service traefik (compose.yml:4): 6 settings (3 of command, 3 of traefik.toml); all served"
    )
    assert told(result) == []
    # Its domain names the services without a rule.
    assert any("Host:hello.docker" in line for line in as_text(result))
    assert any("Host:traefik.shop.docker" in line for line in as_text(result))


def test_the_second_scene_of_the_article_is_served_as_it_is() -> None:
    result = checked(SCENE_2, {"traefik.toml": SCENE_2_FILE})
    assert summary(result) == "service traefik (compose.yml:12): 5 settings (5 of traefik.toml); all served"
    assert told(result) == []
    # Its containers are served from Consul's catalogue, not by their labels.
    assert names(result) == []


QUICK_STARTS = [
    # Traefik 1.7's and Traefik 3's own first examples.
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
    result = checked(f"services:\n  p: {service}\n")
    assert told(result) == [line for line in told(result) if "80 is taken" in line]
    expected = (
        f"{count} settings ({count} of command); all served" if count else "no settings; the defaults hold"
    )
    assert summary(result) == f"service p (compose.yml:2): {expected}"


UNSERVED = """
image: traefik:v3.6
command:
  - --providers.docker
  - --entrypoints.web.address=:80
  - --entrypoints.web.http.redirections.entrypoint.to=websecure
  - --entrypoints.web.http.redirections.entrypoint.scheme=https
  - --certificatesresolvers.le.acme.email=a@b.test
  - --global.sendanonymoususage=true
"""


def test_each_option_that_is_not_served_is_told_with_its_line() -> None:
    result = proxy(UNSERVED)
    assert [(finding.file, finding.line) for finding in result.findings][:4] == [
        ("compose.yml", line) for line in (9, 10, 7, 8)
    ]
    assert [finding.severity.value for finding in result.findings][:4] == ["warning"] * 2 + ["error"] * 2
    assert summary(result) == (
        "service p (compose.yml:2): 6 settings (6 of command); 2 served, 4 not: "
        "entrypoints.web.http.redirections.entrypoint.to, "
        "entrypoints.web.http.redirections.entrypoint.scheme, "
        "certificatesresolvers.le.acme.email, global.sendanonymoususage"
    )
    assert b'"served": 2' in as_json(result)
    assert result.failed(strict=False)


def test_wrong_settings_are_errors_with_their_lines_beside_the_warnings() -> None:
    result = proxy(UNSERVED.replace("web.address=:80", "web.address=:80x").replace("providers", "provders"))
    lines = told(result)
    assert any("compose.yml:5: error: settings: service p: flag --provders.docker" in line for line in lines)
    assert any(
        "compose.yml:6: error: settings: service p: flag --entrypoints.web.address" in line for line in lines
    )
    assert any("compose.yml:9: warning" in line for line in lines)
    assert summary(result).endswith("; Rondpoint does not start with them")
    assert result.failed(strict=False)


def test_a_mounted_file_is_read_with_its_lines_and_the_files_that_it_names() -> None:
    result = proxy(
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
    lines = told(result)
    assert lines[0].startswith("traefik/traefik.yml:2: warning: settings: traefik/traefik.yml: hostResolver")
    assert any(line.startswith("routes/a.yml:4: error: file: routes/a.yml") for line in lines)
    assert "routes/a.yml" in result.files


def test_routes_within_a_file_of_traefik_1_are_checked() -> None:
    result = proxy(
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
    assert names(result) == ["f@file"]


@pytest.mark.parametrize(
    ("service", "message", "line"),
    [
        (
            "volumes: [./t.toml:/traefik.toml]",
            "warning: settings: service p: /traefik.toml: t.toml is not there",
            4,
        ),
        ("volumes: [./t:/etc/traefik]", "warning: settings: service p: /etc/traefik: t is not there", 4),
        (
            "volumes: [./d:/etc/traefik/traefik.yml]",
            "warning: settings: service p: /etc/traefik/traefik.yml: d is a",
            4,
        ),
        (
            "command: --configFile=/c/t.yml\nvolumes: ['./none:/c']",
            "warning: settings: service p: /c: none is not there",
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
            "warning: settings: service p: /r: none is not there",
            5,
        ),
        (
            "command: --providers.file.directory=/r\nvolumes: ['./none:/r']",
            "warning: settings: service p: /r: none is not there",
            5,
        ),
    ],
)
def test_files_that_are_not_here_are_told(service: str, message: str, line: int) -> None:
    Path("d").mkdir()
    result = proxy(f"image: traefik\n{service}")
    assert [each for each in told(result) if each.startswith(f"compose.yml:{line}: {message}")], told(result)
    assert not result.failed(strict=False)
    assert result.proxies[0].starts


def test_a_file_that_a_flag_names_must_be_in_its_mount() -> None:
    result = proxy("image: traefik\ncommand: --configFile=/c/t.yml\nvolumes: ['./d:/c']", {"d/other.yml": ""})
    assert (
        "compose.yml:4: error: settings: service p: flag --configFile: there is no file /c/t.yml"
        in told(result)[0]
    )


@pytest.mark.parametrize("text", ["a: [\n", "token: secret\n  x: [", "- a\n", "a: 1\na: 2\n"])
def test_a_settings_file_that_cannot_be_read_is_an_error(text: str) -> None:
    result = proxy("image: traefik\nvolumes: ['./t.yml:/traefik.yml']", {"t.yml": text})
    assert any("error: settings: t.yml" in line for line in told(result)), told(result)
    assert not any("secret" in line for line in as_text(result))
    assert summary(result).endswith("Rondpoint does not start with them")


def test_variables_of_traefik_are_checked_and_to_be_renamed() -> None:
    result = proxy(
        """
        image: traefik:v3.6
        command: --providers.docker
        environment:
          TRAEFIK_LOG_LEVEL: DEBUG
          TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_EMAIL: a@b.test
          TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME_STORAGE: /s
          RONDPOINT_PING: "true"
        """
    )
    place = "warning: settings: service p: environment variable"
    resolver = "TRAEFIK_CERTIFICATESRESOLVERS_LE_ACME"
    assert [line.partition(" (")[0] for line in told(result) if ": warning: " in line] == [
        f"compose.yml:7: {place} {resolver}_EMAIL: certificatesresolvers is not served yet",
        f"compose.yml:8: {place} {resolver}_STORAGE: certificatesresolvers is not served yet",
        f"compose.yml:7: {place} {resolver}_EMAIL: {resolver}_EMAIL is not read by Rondpoint",
        f"compose.yml:8: {place} {resolver}_STORAGE: {resolver}_STORAGE is not read by Rondpoint",
        f"compose.yml:6: {place} TRAEFIK_LOG_LEVEL: TRAEFIK_LOG_LEVEL is not read by Rondpoint",
    ]
    assert any("(call it RONDPOINT_LOG_LEVEL)" in line for line in told(result))
    assert any(
        "note: settings: service p: Traefik 3 reads flags and leaves variables out" in each
        for each in told(result)
    )
    assert "5 settings (1 of command, 4 of environment); 2 served, 3 not: TRAEFIK_" in summary(result)


def test_an_unknown_variable_is_an_error_at_its_line() -> None:
    result = proxy("image: traefik\nenvironment:\n- TRAEFIK_LOG_LEVLE=INFO")
    [line] = [line for line in told(result) if "LEVLE" in line]
    assert line.startswith(
        "compose.yml:5: error: settings: service p: environment variable TRAEFIK_LOG_LEVLE"
    )


@pytest.mark.parametrize("version", ["1.7", "v1.7"])
def test_traefik_1_reads_flags_and_a_file_together_as_rondpoint_does(version: str) -> None:
    result = checked(SCENE_1.replace("1.5", version), {"traefik.toml": SCENE_1_FILE})
    assert told(result) == []


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
def test_its_settings_say_how_labels_are_read(command: str, message: str) -> None:
    result = proxy(f"image: traefik\ncommand: {command}\nexpose: [80]", more=WEB)
    about_web = [
        line for line in told(result) if "w@docker" in line or "-web-1" in line or "constraints" in line
    ]
    assert ("w@docker" in names(result)) == (not message)
    assert [line for line in about_web if message in line] == about_web
    assert bool(about_web) == bool(message)


def test_constraints_that_cannot_be_read_are_an_error_at_their_line() -> None:
    service = "image: traefik\ncommand:\n- --providers.docker\n- --providers.docker.constraints=Lable(`a`)"
    [error] = [line for line in told(proxy(service)) if "error" in line]
    place = "service p: flag --providers.docker.constraints"
    assert error.startswith(f"compose.yml:6: error: docker: {place}: 'Lable(`a`)' cannot be read")


def test_agent_and_proxy_share_what_each_is_told() -> None:
    text = """
services:
  agent: {image: rondpoint, command: agent --providers.docker --providers.docker.exposedByDefault=false}
  proxy: {image: rondpoint, command: [proxy, --entryPoints.e.address=:80]}
  web: {image: web, expose: [80], labels: {traefik.enable: true, traefik.http.routers.w.rule: Host(`w`)}}
"""
    result = checked(text)
    assert [served.told().partition("; ")[2] for served in result.proxies] == ["all served", "all served"]
    assert names(result) == ["w@docker"]
    result = checked(text.replace("Host(`w`)", "Host(`w`), traefik.http.routers.w.tls: true"))
    assert any("it asks for TLS" in line for line in told(result))


def test_a_container_counts_if_one_of_several_proxies_reads_it() -> None:
    shown = "--providers.docker --providers.docker.constraints=Label(`seen`,`{}`)"
    text = "services:\n"
    for name in "ab":
        text += f"  {name}: {{image: traefik, command: '{shown.format(name)}', expose: [80]}}\n"
    for name in "abc":
        text += f"  web-{name}: {{image: web, expose: [80], labels: {{seen: {name}}}}}\n"
    assert names(checked(text)) == ["web-a-shop@docker", "web-b-shop@docker"]


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
    result = proxy(f'image: traefik\ncommand: "{flags}"')
    assert result.failed(strict=False)
    shown = "\n".join([*as_text(result), as_json(result).decode()])
    assert "hunter2" not in shown
    assert "rest-of-it" not in shown


def test_a_proxy_without_a_file_is_not_given_one_of_this_directory() -> None:
    result = proxy("image: traefik", {"traefik.toml": "[provders]\n"})
    assert summary(result) == "service p (compose.yml:2): no settings; the defaults hold"


@pytest.mark.parametrize("command", ["[sh, -c, traefik --docker]", "--docker='"])
def test_where_flags_are_not_seen_nothing_is_concluded_from_them(command: str) -> None:
    result = proxy(f"image: traefik\ncommand: {command}\nexpose: [80]", more=WEB)
    assert summary(result) == "service p (compose.yml:2): no settings; its flags are not seen here"
    assert [line.partition(": ")[0] for line in told(result)] == ["compose.yml:4"]
    assert "w@docker" in names(result)


def test_services_of_one_name_in_two_files_have_each_their_lines() -> None:
    Path("b.yml").write_text("# other\nservices:\n  p:\n    image: traefik\n    command: --acme\n")
    proxy("image: traefik\ncommand: --acme")
    result = check([Path("compose.yml"), Path("b.yml")], (), {}, Path.cwd())
    places = [(finding.file, finding.line) for finding in result.findings if "acme" in finding.message]
    assert places == [("compose.yml", 4), ("b.yml", 5)]
