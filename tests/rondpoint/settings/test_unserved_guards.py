"""An option that protects something and is not served closes the part that it protects."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondpoint.diagnostics import Severity
from rondpoint.settings import LoadedSettings
from rondpoint.settings.access import access_warning
from rondpoint.settings.unserved_options import UNSERVED_OPTIONS

from .loading import load_errors, load_settings

WEB = "--entryPoints.web.address=:80"
HTTP = "--entryPoints=Name:http Address::80"

GUARDS_OF_ENTRY_POINTS = [
    ([WEB, "--entrypoints.web.tls.cafiles=ca.pem"], "entrypoints.web.tls.cafiles"),
    ([f"{HTTP} ClientIPStrategy.Depth:1"], "entryPoints.http.ClientIPStrategy"),
]


def closed_parts(result: LoadedSettings) -> list[tuple[str, str]]:
    return [(each.part, each.key) for each in result.settings.closed_parts]


@pytest.mark.parametrize(
    ("flags", "key"), GUARDS_OF_ENTRY_POINTS, ids=[key for _, key in GUARDS_OF_ENTRY_POINTS]
)
def test_a_guard_of_an_entry_point_closes_it(tmp_path: Path, flags: list[str], key: str) -> None:
    name = key.split(".")[1]
    result = load_settings(tmp_path, [*flags, "--entryPoints.other.address=:81"])
    assert closed_parts(result) == [(f"entry point {name}", key)]
    assert result.settings.closed_reason(name) == f"entry point {name} is closed: {key} is not served yet"
    assert result.settings.closed_reason("other") == result.settings.closed_reason("traefik") == ""
    (diagnostic,) = result.warnings
    assert diagnostic.severity is Severity.ERROR
    assert (
        diagnostic.message
        == f"{key} is not served yet, so entry point {name} is closed: its routers respond with 503"
    )
    assert diagnostic.hint
    assert "$apr1$" not in str(diagnostic)


FILES = {
    "traefik_yml": """
entryPoints:
  web:
    address: ":80"
    clientIPStrategy: {depth: 1}
    tls: {caFiles: ca.pem}
""",
    "traefik_toml": """
[entryPoints.web]
address = ":80"
[entryPoints.web.clientIPStrategy]
depth = 1
[entryPoints.web.tls]
caFiles = ["ca.pem"]
""",
}


@pytest.mark.parametrize("name", FILES)
def test_guards_in_files_are_reported_with_their_locations(tmp_path: Path, name: str) -> None:
    result = load_settings(tmp_path, **{name: FILES[name]})
    file = tmp_path / name.replace("_", ".")
    options = ("clientIPStrategy", "tls.caFiles")
    keys = [f"entryPoints.web.{option}" for option in options]
    assert closed_parts(result) == [("entry point web", key) for key in keys]
    assert [diagnostic.subject for diagnostic in result.warnings] == [f"{file}: {key}" for key in keys]
    assert result.settings.closed_reason("web").endswith(f"{', '.join(keys)} are not served yet")


def test_guards_in_the_environment(tmp_path: Path) -> None:
    environ = {
        "RONDPOINT_ENTRYPOINTS_MYWEB_HTTP_TLS_CERTRESOLVER": "le",
        "RONDPOINT_ENTRYPOINTS_MYWEB_TLS_CAFILES": "ca.pem",
        "RONDPOINT_ENTRYPOINTS_MYWEB_CLIENTIPSTRATEGY_DEPTH": "1",
    }
    result = load_settings(tmp_path, ["--entryPoints.myWeb.address=:80"], environ)
    assert {part for part, _ in closed_parts(result)} == {"entry point myWeb"}
    assert {key.split(".", 2)[2] for _, key in closed_parts(result)} == {
        "clientipstrategy",
        "tls.cafiles",
    }


def test_a_certificate_resolver_closes_nothing(tmp_path: Path) -> None:
    certificates = "--entryPoints.web.tls.certificates=a.pem,a.pem"
    result = load_settings(tmp_path, [WEB, certificates, "--entryPoints.web.http.tls.certResolver=le"])
    assert closed_parts(result) == []
    (diagnostic,) = result.warnings
    assert diagnostic.message.startswith("there is no certificates resolver le, so clients get")


def test_the_admin_entry_point_has_no_routers_to_redirect(tmp_path: Path) -> None:
    flag = "--entryPoints.traefik.http.redirections.entryPoint.to"
    result = load_settings(tmp_path, [WEB, f"{flag}=web"])
    assert closed_parts(result) == [("entry point traefik", "entryPoints.traefik.http.redirections")]
    assert "it only responds to /ping" in result.warnings[0].message
    assert result.warnings[0].subject == f"flag {flag}"


@pytest.mark.parametrize(
    "option",
    [
        "tls.certificates=a.pem,a.pem",
        "http.tls",
        "http.middlewares=auth@file",
        "auth.digest.users=a:b:c",
        "whiteList.sourceRange=10.0.0.0/8",
        "http.encodedCharacters.allowEncodedSlash=false",
    ],
)
def test_its_other_guards_are_served(tmp_path: Path, option: str) -> None:
    assert closed_parts(load_settings(tmp_path, [WEB, f"--entryPoints.traefik.{option}"])) == []


@pytest.mark.parametrize(
    ("option", "value", "default"),
    [
        ("http.sanitizePath", "false", "true"),
        ("http.encodeQuerySemicolons", "true", "false"),
        ("http.maxHeaderBytes", "4096", "0"),
        ("http.underscoreHeadersStrategy", "reject", "keep"),
    ],
)
def test_the_admin_entry_point_does_not_change_requests(
    tmp_path: Path, option: str, value: str, default: str
) -> None:
    key = f"entryPoints.traefik.{option}"
    result = load_settings(tmp_path, [WEB, f"--{key}={value}"])
    assert closed_parts(result) == []
    (diagnostic,) = result.warnings
    assert diagnostic.message == f"{key} has no effect: it is for requests of routers"
    assert load_settings(tmp_path, [WEB, f"--{key}={default}"]).warnings == ()


OTHERS = [
    (["--docker", "--docker.filename=docker.tmpl"], "provider docker"),
    (["--docker.swarmMode", "--docker.filename=docker.tmpl"], "provider swarm"),
    (["--providers.consulCatalog", "--providers.consulCatalog.connectByDefault"], "provider consulcatalog"),
    (["--providers.consulCatalog", "--providers.consulCatalog.connectAware"], "provider consulcatalog"),
    (["--providers.consulCatalog", "--providers.consulCatalog.namespaces=a"], "provider consulcatalog"),
    (["--consulCatalog", "--consulCatalog.filename=a.tmpl"], "provider consulcatalog"),
    (["--providers.consul", "--providers.consul.namespaces=a"], "provider consul"),
    (["--consul", "--consul.constraints=tag==api"], "provider consul"),
    (["--consul", "--consul.filename=a.tmpl"], "provider consul"),
    (["--marathon", "--marathon.filename=a.tmpl"], "provider marathon"),
    (["--ecs", "--ecs.filename=a.tmpl"], "provider ecs"),
    (["--mesos", "--mesos.filename=a.tmpl"], "provider mesos"),
    (["--zookeeper", "--zookeeper.constraints=tag==api"], "provider zookeeper"),
    (["--zookeeper", "--zookeeper.filename=a.tmpl"], "provider zookeeper"),
    (["--etcd", "--etcd.constraints=tag==api"], "provider etcd"),
    (["--etcd", "--etcd.filename=a.tmpl"], "provider etcd"),
    (["--kubernetes", "--kubernetes.filename=a.tmpl"], "provider kubernetes"),
]


@pytest.mark.parametrize(("flags", "part"), OTHERS, ids=[" ".join(flags) for flags, _ in OTHERS])
def test_a_guard_of_another_part_closes_that_part(tmp_path: Path, flags: list[str], part: str) -> None:
    key = flags[-1].removeprefix("--").partition("=")[0]
    result = load_settings(tmp_path, flags)
    ((closed_part, option),) = closed_parts(result)
    assert (closed_part, key.startswith(option)) == (part, True)
    assert result.settings.closed_reason("web") == ""
    (diagnostic,) = (each for each in result.warnings if each.severity is Severity.ERROR)
    assert diagnostic.message.startswith(f"{option} is not served yet, so ")
    assert diagnostic.hint


def test_an_admin_entry_point_with_a_guard_gives_no_access_warning(tmp_path: Path) -> None:
    closed = "--entryPoints.traefik.http.redirections.entryPoint.to=web"
    assert access_warning(load_settings(tmp_path, ["--web"]).settings)
    for flag in ("--web.auth.basic.users=a:b", closed):
        assert access_warning(load_settings(tmp_path, ["--web", flag]).settings) == ""


def test_every_guard_is_tried() -> None:
    tried = {each[-1].partition("=")[0].removeprefix("--").lower() for each, _ in OTHERS}
    others = {
        key.lower()
        for key, option in UNSERVED_OPTIONS.items()
        if option.closed_part and "*" not in option.closed_part
    }
    assert {key for key in others if not any(each.startswith(key) for each in tried)} == set()


def test_a_missing_part_is_not_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An engine on this machine would enable the provider by itself.
    monkeypatch.setattr("rondpoint.settings.derive._DOCKER_SOCKET", tmp_path / "docker.sock")
    result = load_settings(tmp_path, ["--docker.filename=docker.tmpl", "--ecs.filename=a.tmpl"])
    assert closed_parts(result) == []
    assert {diagnostic.severity for diagnostic in result.warnings} == {Severity.WARNING}


@pytest.mark.parametrize(
    "flag",
    [
        "--entryPoints.web.http.middlewares=",
        "--entryPoints.web.http.tls=false",
        "--entryPoints.web.http.encodedCharacters.allowEncodedSlash=true",
    ],
)
def test_an_option_that_guards_nothing_closes_nothing(tmp_path: Path, flag: str) -> None:
    assert closed_parts(load_settings(tmp_path, [WEB, flag])) == []


def test_an_empty_list_guards_nothing(tmp_path: Path) -> None:
    yaml = "entryPoints: {web: {address: ':80', http: {middlewares: []}}}"
    assert closed_parts(load_settings(tmp_path, traefik_yml=yaml)) == []


def test_a_guard_of_a_missing_entry_point_is_refused(tmp_path: Path) -> None:
    flags = ["--entryPoints.secure.address=:443", "--entryPoints.secrue.http.middlewares=auth@file"]
    (diagnostic,) = load_errors(tmp_path, flags)
    assert (diagnostic.message, diagnostic.hint) == (
        "entry point secrue has no address",
        "did you mean secure?",
    )


def test_a_misspelt_guard_is_refused(tmp_path: Path) -> None:
    (diagnostic,) = load_errors(tmp_path, ["--entryPoints.web.http.middleware=auth@file"])
    assert diagnostic.message == "unknown key entryPoints.web.http.middleware"
    assert diagnostic.hint == "did you mean --entryPoints.web.http.middlewares?"
    (diagnostic,) = load_errors(tmp_path, ["--entryPoints.web.http=auth@file"])
    assert diagnostic.message == "entryPoints.web.http is a section, not 'auth@file'"


def test_closed_parts_is_no_setting(tmp_path: Path) -> None:
    (diagnostic,) = load_errors(tmp_path, ["--closedParts=x"])
    assert diagnostic.message == "unknown key closedParts"
