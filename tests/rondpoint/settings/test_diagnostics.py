"""Errors and warnings name the location of a setting and the nearest valid key."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondpoint.settings import SettingsError
from rondpoint.settings.minimum_durations import MINIMUM_DURATIONS
from rondpoint.settings.unserved_options import UNSERVED_OPTIONS

from .loading import load_errors, load_settings

FLAGS = {
    "--docker.domian=test": ("unknown key docker.domian", "did you mean --docker.domain?"),
    "--dokcer": ("unknown key dokcer", "did you mean --docker?"),
    "--providers.docker.exposedByDefualt=1": (
        "unknown key providers.docker.exposedByDefualt",
        "did you mean --providers.docker.exposedByDefault?",
    ),
    "--endpoint=unix:///d.sock": ("unknown key endpoint", "did you mean --providers.docker.endpoint?"),
    "--log.level.x=1": ("unknown key log.level.x", "--log.level has no keys below it"),
    "--entryPoints.web.adress=:80": (
        "unknown key entryPoints.web.adress",
        "did you mean --entryPoints.web.address?",
    ),
    "--redis.zzz=1": ("unknown key redis.zzz", "expected one of url, namespace"),
    "--log.level=LOUD": ("bad value 'LOUD' for log.level", "expected one of TRACE, DEBUG, INFO"),
    "--logLevel=LOUD": ("bad value 'LOUD' for logLevel", "expected one of TRACE, DEBUG, INFO"),
    "--workers=0": ("bad value '0' for workers", "expected 1 or more"),
    "--workers=many": ("bad value 'many' for workers", "expected a whole number"),
    "--workers": ("bad value True for workers", "expected a whole number"),
    "--entryPoints.web.address=80": (
        "bad value '80' for entryPoints.web.address",
        "expected an address such as :80",
    ),
    "--webAddress=:53/udp": ("bad value ':53/udp'", "expected an address for TCP"),
    "--entryPoints.web.udp.timeout=0s": ("bad value '0s'", "expected 10ms or more"),
    "--entryPoints.a%b.address=:80": ("bad name 'a%b' for an entry point", "expected letters, digits"),
    "--entryPoints.*.address=:80": ("bad name '*' for an entry point", "expected letters, digits"),
    "--entryPoints.other.asDefault": ("entry point other has no address", "set entryPoints.other.address"),
    "--entryPoints=http": ("bad value 'http' for entryPoints", "expected a description such as Name:http"),
    "--redis.url=localhost:6379": ("bad value 'localhost:6379' for redis.url", "starts with redis://"),
    "--redis.url=redis+sentinel://one,two": ("for redis.url", "expected the master's name"),
    "--redis.url=redis://one?ssl_ca=/a.pem": ("for redis.url", "did you mean ssl_ca_path"),
    "--agent.name=a b": ("bad value 'a b' for agent.name", "expected letters, digits"),
    "--agent.forgetAfter=soon": ("bad value 'soon' for agent.forgetAfter", "expected a duration"),
    "--redis.namespace={a}": ("bad value '{a}' for redis.namespace", "expected letters"),
    "--providers.docker.watch=maybe": ("bad value 'maybe'", "expected true or false"),
    "--docker=maybe": ("docker is a section, not 'maybe'", "set one of its keys: --docker.KEY"),
    "--api=false": ("api cannot be switched off", ""),
    "--configFile=absent.toml": ("there is no file absent.toml", "expected the path"),
    "--configFile": ("there is no file", "expected the path"),
    "--metrics.prometheus.entryPoint=metrcis": (
        "entry point metrcis does not exist",
        "expected one of web, traefik",
    ),
    "--api.entryPoint=wbe": ("entry point wbe does not exist", "expected one of web, traefik"),
    "--rest.entryPoint=wbe": ("entry point wbe does not exist", "expected one of web, traefik"),
    "--api.basePath=traefik": ("bad value 'traefik' for api.basePath", "expected a path such as /traefik"),
    "--api.basePath=/a//b": ("bad value '/a//b' for api.basePath", "expected a path such as /traefik"),
    "--api.basePath=/a/../b": ("bad value '/a/../b' for api.basePath", "expected a path such as /traefik"),
    "--api.basePath=/ü": ("bad value '/ü' for api.basePath", "of letters, digits"),
    "--web.path=/a b": ("bad value '/a b' for web.path", "expected a path such as /traefik"),
    "--metrics.prometheus.buckets=fast": ("bad value 'fast'", "expected seconds above 0"),
    "--tracing.sampleRate=2": ("bad value '2'", "expected a number from 0 to 1"),
    "--tracing.otlp.http.endpoint=collector:4318": ("bad value 'collector:4318'", "http://collector:4318"),
    "--entryPoints.web.headersWithUnderscores=no": (
        "bad value 'no' for entryPoints.web.headersWithUnderscores",
        "expected one of allow, reject, drop",
    ),
    "--log.format=xml": ("bad value 'xml' for log.format", "expected one of common, json"),
    "--accessLog.fields.headers.names.X-A=hide": ("bad value 'hide' for 'X-A'", ""),
    "--metrics.prometheus.headerLabels.code=X": ("'code' cannot be the name of an additional label", ""),
    "--accessLog.fields.names.Clienthots=drop": ("unknown field 'Clienthots': did you mean ClientHost?", ""),
    "--debug=maybe": ("bad value 'maybe' for debug", "expected true or false"),
}


@pytest.mark.parametrize(
    ("flag", "message", "hint"), [(flag, *expected) for flag, expected in FLAGS.items()], ids=FLAGS
)
def test_a_bad_flag(tmp_path: Path, flag: str, message: str, hint: str) -> None:
    (diagnostic,) = load_errors(tmp_path, [flag])
    assert diagnostic.subject == f"flag {flag.partition('=')[0]}"
    assert message in diagnostic.message
    assert hint in diagnostic.hint


def test_a_word_that_is_not_a_flag(tmp_path: Path) -> None:
    (diagnostic,) = load_errors(tmp_path, ["docker"])
    assert diagnostic.subject == "command line: docker"


VARIABLES = {
    ("RONDPOINT_DOCKER_DOMIAN", "x"): ("unknown setting", "did you mean RONDPOINT_DOCKER_DOMAIN?"),
    ("RONDPOINT_ENTRYPOINTS_WEB_ADRESS", "x"): ("unknown setting", "RONDPOINT_ENTRYPOINTS_NAME_ADDRESS?"),
    ("RONDPOINT_WORKERS", "x"): ("bad value 'x'", "expected a whole number"),
}


@pytest.mark.parametrize(("variable", "expected"), VARIABLES.items(), ids=[name for name, _ in VARIABLES])
def test_a_bad_variable(tmp_path: Path, variable: tuple[str, str], expected: tuple[str, str]) -> None:
    (diagnostic,) = load_errors(tmp_path, [], dict([variable]))
    assert diagnostic.subject == f"environment variable {variable[0]}"
    assert expected[0] in diagnostic.message
    assert expected[1] in diagnostic.hint


FILES = {
    "an unknown section is reported once": (
        '[dokcer]\ndomain = "a"\nwatch = true',
        "dokcer",
        "unknown key dokcer",
        "did you mean docker?",
    ),
    "an unknown key": (
        '[docker]\ndomian = "a"',
        "docker.domian",
        "unknown key docker.domian",
        "did you mean docker.domain?",
    ),
    "a value of another type": (
        '[docker]\ndomain = ["a"]',
        "docker.domain",
        "bad value ['a']",
        "expected text",
    ),
    "a value instead of a section": (
        'providers = "docker"',
        "providers",
        "providers is a section, not 'docker'",
        "set one of its keys: providers.KEY",
    ),
    "a file that names a file": (
        'configFile = "a.toml"',
        "configFile",
        "configFile cannot be set in a file",
        "as a flag",
    ),
}


@pytest.mark.parametrize(("toml", "key", "message", "hint"), FILES.values(), ids=FILES)
def test_a_bad_file(tmp_path: Path, toml: str, key: str, message: str, hint: str) -> None:
    (diagnostic,) = load_errors(tmp_path, traefik_toml=toml)
    assert diagnostic.subject == f"{tmp_path}/traefik.toml: {key}"
    assert message in diagnostic.message
    assert hint in diagnostic.hint


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "a = ", "is not TOML"),
        ("a.yml", "a: [", "is not YAML"),
        ("a.yml", "- a", "contains no keys"),
        ("a.json", "{}", "neither TOML nor YAML"),
        ("a.toml", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_an_unreadable_file(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (diagnostic,) = load_errors(tmp_path, [f"--configFile={name}"])
    assert diagnostic.subject == str(tmp_path / name)
    assert message in diagnostic.message


def test_an_empty_yaml_file_sets_nothing(tmp_path: Path) -> None:
    assert load_settings(tmp_path, rondpoint_yml="# nothing yet\n").warnings == ()


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    environ = {"RONDPOINT_NOTHING": "1"}
    errors = load_errors(tmp_path, ["--dokcer", "--workers=0"], environ, traefik_toml="debgu = true")
    assert len(errors) == 4
    assert len(str(SettingsError(errors)).splitlines()) == 4


def test_warnings_are_kept_beside_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path, ["--dokcer", "--global.checkNewVersion=true"])
    assert [warning.subject for warning in caught.value.warnings] == ["flag --global"]


UNSERVED_SETTINGS = [
    ("--accessLog.otlp.http.endpoint=http://a", "accessLog.otlp"),
    ("--metrics.datadog.address=127.0.0.1:8125", "metrics.datadog"),
    ("--providers.consulCatalog.requireConsistent", "providers.consulCatalog.requireConsistent"),
    ("--providers.knative", "providers.knative"),
    ("--entryPoints.web.http3.advertisedPort=9", "entryPoints.web.http3"),
    ("--entryPoints.web.forwardedHeaders.connection=x", "entryPoints.web.forwardedHeaders.connection"),
    ("--tls.certificates=a.pem,b.pem", "tls"),
    ("--docker.tls.caOptional", "docker.tls.caOptional"),
]


@pytest.mark.parametrize(("flag", "key"), UNSERVED_SETTINGS)
def test_an_option_that_is_not_served_gives_a_warning(tmp_path: Path, flag: str, key: str) -> None:
    (warning,) = load_settings(tmp_path, [flag]).warnings
    assert warning.message == f"{key} is not served yet"


@pytest.mark.parametrize(
    ("flag", "other"),
    [
        ("--boltdb.endpoint=/my.db", "key-value store"),
        ("--dynamodb.tableName=t", "providers.file.filename"),
        ("--eureka.endpoint=http://e", "providers.consulCatalog"),
        ("--rancher.domain=r.test", "providers.docker"),
        ("--providers.rancher.watch", "providers.docker"),
        ("--serviceFabric.clusterManagementUrl=http://s", "providers.file.filename"),
    ],
)
def test_a_source_that_traefik_3_dropped_names_another_one(tmp_path: Path, flag: str, other: str) -> None:
    result = load_settings(tmp_path, [flag], {"DOCKER_HOST": "tcp://10.0.0.1:2375"})
    (diagnostic,) = result.warnings
    assert "is not served, and Traefik 3 has no such provider: " in diagnostic.message
    assert other in diagnostic.message
    assert result.settings.providers.docker is None


def test_an_unserved_section_of_a_file_is_reported_once(tmp_path: Path) -> None:
    yaml = "tracing: {zipkin: {http: {endpoint: 'http://a'}}}\n"
    yaml += "entryPoints: {web: {http3: {advertisedPort: 443}}}\n"
    warnings = load_settings(tmp_path, traefik_yml=yaml).warnings
    assert [warning.subject.rpartition(" ")[2] for warning in warnings] == [
        "tracing.zipkin",
        "entryPoints.web.http3",
    ]


def test_an_unserved_option_that_is_off_gives_no_warning(tmp_path: Path) -> None:
    assert load_settings(tmp_path, ["--metrics=false", "--global.sendAnonymousUsage=false"]).warnings == ()


@pytest.mark.parametrize("pattern", UNSERVED_OPTIONS)
def test_every_unserved_option_is_accepted_as_a_flag(tmp_path: Path, pattern: str) -> None:
    result = load_settings(tmp_path, [f"--{pattern.replace('*', 'web')}.x=1"])
    assert len(result.warnings) == 1


def test_an_invalid_network_is_reported_with_its_location(tmp_path: Path) -> None:
    toml = '[entryPoints.http]\naddress = ":80"\nforwardedHeaders.trustedIPs = ["10.0.0.0/99"]'
    (diagnostic,) = load_errors(tmp_path, traefik_toml=toml)
    assert diagnostic.subject == f"{tmp_path}/traefik.toml: entryPoints.http.forwardedHeaders.trustedIPs"
    assert diagnostic.hint.startswith("'10.0.0.0/99' is neither an address nor a network such as")


MINIMUMS = {
    "--providers.consulCatalog.endpoint.endpointWaitTime": "1s",
    "--providers.swarm.refreshSeconds": "1s",
    "--registrator.resync": "1s",
    "--entryPoints.web.transport.respondingTimeouts.readTimeout": "10ms",
    "--entryPoints.web.transport.respondingTimeouts.writeTimeout": "10ms",
    "--serversTransport.forwardingTimeouts.dialTimeout": "10ms",
    "--serversTransport.forwardingTimeouts.responseHeaderTimeout": "10ms",
    "--tcpServersTransport.dialTimeout": "10ms",
    "--limits.stallTimeout": "10ms",
    "--limits.responsePauseTimeout": "10ms",
    "--limits.tunnelIdleTimeout": "10ms",
}


@pytest.mark.parametrize(("flag", "minimum"), MINIMUMS.items())
def test_a_duration_below_the_minimum_is_raised_with_a_warning(
    tmp_path: Path, flag: str, minimum: str
) -> None:
    raised, exact = (load_settings(tmp_path, [f"{flag}={value}"]) for value in ("1ns", minimum))
    assert raised.settings == exact.settings
    assert exact.warnings == ()
    (diagnostic,) = raised.warnings
    assert diagnostic.subject == f"flag {flag}"
    assert diagnostic.message == f"{flag.removeprefix('--')} is too short: 1ns"
    assert diagnostic.hint == f"using the minimum, {minimum}"
    unlimited = load_settings(tmp_path, [f"{flag}=0"])
    assert (unlimited.warnings, unlimited.settings != raised.settings) == ((), True)


def test_each_minimum_is_tested() -> None:
    assert len(MINIMUMS) == len(MINIMUM_DURATIONS)
