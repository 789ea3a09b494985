"""What is wrong is named with its place and the nearest right thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondpoint.settings import SettingsError
from rondpoint.settings.minimum_durations import MINIMUM_DURATIONS
from rondpoint.settings.unserved import UNSERVED_OPTIONS

from .loading import loaded, refused

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
    "--workers=0": ("bad value '0' for workers", "greater than or equal to 1"),
    "--workers=many": ("bad value 'many' for workers", "expected a whole number"),
    "--workers": ("bad value True for workers", "expected a whole number"),
    "--entryPoints.web.address=80": (
        "bad value '80' for entryPoints.web.address",
        "expected an address such as :80",
    ),
    "--entryPoints.dns.address=:53/udp": ("bad value ':53/udp'", "UDP is not served"),
    "--entryPoints.a%b.address=:80": ("bad name 'a%b' of an entry point", "names are letters, digits"),
    "--entryPoints.*.address=:80": ("bad name '*' of an entry point", "names are letters, digits"),
    "--entryPoints.other.asDefault": ("entry point other has no address", "set entryPoints.other.address"),
    "--entryPoints=http": ("bad value 'http' for entryPoints", "expected a description such as Name:http"),
    "--redis.url=localhost:6379": ("bad value 'localhost:6379' for redis.url", "starts with redis://"),
    "--redis.url=redis+sentinel://one,two": ("for redis.url", "expected the master's name"),
    "--redis.url=redis://one?ssl_ca=/a.pem": ("for redis.url", "did you mean ssl_ca_path"),
    "--agent.name=a b": ("bad value 'a b' for agent.name", "expected letters, digits"),
    "--agent.forgetAfter=soon": ("bad value 'soon' for agent.forgetAfter", "expected a duration"),
    "--redis.namespace={a}": ("bad value '{a}' for redis.namespace", "expected letters"),
    "--providers.docker.watch=maybe": ("bad value 'maybe'", "expected true or false"),
    "--docker=maybe": ("docker is a section, not 'maybe'", "--docker.KEY sets one of its keys"),
    "--api=false": ("api cannot be switched off", ""),
    "--configFile=absent.toml": ("there is no file absent.toml", "expected the path"),
    "--configFile": ("there is no file", "expected the path"),
    "--metrics.prometheus.entryPoint=metrcis": (
        "there is no entry point metrcis",
        "expected one of web, traefik",
    ),
    "--metrics.prometheus.buckets=fast": ("bad value 'fast'", "expected seconds above 0"),
    "--tracing.sampleRate=2": ("bad value '2'", "expected a share between 0 and 1"),
    "--tracing.otlp.http.endpoint=collector:4318": ("bad value 'collector:4318'", "http://collector:4318"),
    "--entryPoints.web.headersWithUnderscores=no": (
        "bad value 'no' for entryPoints.web.headersWithUnderscores",
        "expected one of allow, reject, drop",
    ),
    "--log.format=xml": ("bad value 'xml' for log.format", "expected one of common, json"),
    "--accessLog.fields.headers.names.X-A=hide": ("bad value 'hide' for 'X-A'", ""),
    "--metrics.prometheus.headerLabels.code=X": ("'code' cannot be a label of its own", ""),
    "--accessLog.fields.names.Clienthots=drop": ("'Clienthots' is no field: did you mean ClientHost?", ""),
    "--debug=maybe": ("bad value 'maybe' for debug", "expected true or false"),
}


@pytest.mark.parametrize(
    ("flag", "message", "hint"), [(flag, *said) for flag, said in FLAGS.items()], ids=FLAGS
)
def test_a_bad_flag(tmp_path: Path, flag: str, message: str, hint: str) -> None:
    (diagnostic,) = refused(tmp_path, [flag])
    assert diagnostic.subject == f"flag {flag.partition('=')[0]}"
    assert message in diagnostic.message
    assert hint in diagnostic.hint


def test_a_word_that_is_no_flag(tmp_path: Path) -> None:
    (diagnostic,) = refused(tmp_path, ["docker"])
    assert diagnostic.subject == "command line: docker"


VARIABLES = {
    ("RONDPOINT_DOCKER_DOMIAN", "x"): ("unknown setting", "did you mean RONDPOINT_DOCKER_DOMAIN?"),
    ("RONDPOINT_ENTRYPOINTS_WEB_ADRESS", "x"): ("unknown setting", "RONDPOINT_ENTRYPOINTS_NAME_ADDRESS?"),
    ("RONDPOINT_WORKERS", "x"): ("bad value 'x'", "expected a whole number"),
}


@pytest.mark.parametrize(("variable", "said"), VARIABLES.items(), ids=[name for name, _ in VARIABLES])
def test_a_bad_variable(tmp_path: Path, variable: tuple[str, str], said: tuple[str, str]) -> None:
    (diagnostic,) = refused(tmp_path, [], dict([variable]))
    assert diagnostic.subject == f"environment variable {variable[0]}"
    assert said[0] in diagnostic.message
    assert said[1] in diagnostic.hint


FILES = {
    "an unknown section is named once": (
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
    "a value of another kind": (
        '[docker]\ndomain = ["a"]',
        "docker.domain",
        "bad value ['a']",
        "expected text",
    ),
    "a value where a section belongs": (
        'providers = "docker"',
        "providers",
        "providers is a section, not 'docker'",
        "providers.KEY sets",
    ),
    "a file that names a file": (
        'configFile = "a.toml"',
        "configFile",
        "configFile has no place in a file",
        "as a flag",
    ),
}


@pytest.mark.parametrize(("toml", "key", "message", "hint"), FILES.values(), ids=FILES)
def test_a_bad_file(tmp_path: Path, toml: str, key: str, message: str, hint: str) -> None:
    (diagnostic,) = refused(tmp_path, traefik_toml=toml)
    assert diagnostic.subject == f"{tmp_path}/traefik.toml: {key}"
    assert message in diagnostic.message
    assert hint in diagnostic.hint


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", "a = ", "is not TOML"),
        ("a.yml", "a: [", "is not YAML"),
        ("a.yml", "- a", "holds no keys"),
        ("a.json", "{}", "neither TOML nor YAML"),
        ("a.toml", b"\xff\xfe", "not UTF-8"),
    ],
)
def test_an_unreadable_file(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    (diagnostic,) = refused(tmp_path, [f"--configFile={name}"])
    assert diagnostic.subject == str(tmp_path / name)
    assert message in diagnostic.message


def test_an_empty_yaml_file_says_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, rondpoint_yml="# nothing yet\n").warnings == ()


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    environ = {"RONDPOINT_NOTHING": "1"}
    found = refused(tmp_path, ["--dokcer", "--workers=0"], environ, traefik_toml="debgu = true")
    assert len(found) == 4
    assert len(str(SettingsError(found)).splitlines()) == 4


def test_warnings_are_kept_beside_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, ["--dokcer", "--global.checkNewVersion=true"])
    assert [warning.subject for warning in caught.value.warnings] == ["flag --global"]


UNSERVED_SETTINGS = [
    ("--accessLog.otlp.http.endpoint=http://a", "accessLog.otlp"),
    ("--metrics.datadog.address=127.0.0.1:8125", "metrics.datadog"),
    ("--providers.consulCatalog.requireConsistent", "providers.consulCatalog.requireConsistent"),
    ("--providers.kubernetesCRD", "providers.kubernetesCRD"),
    ("--entryPoints.web.http.maxHeaderBytes=9", "entryPoints.web.http.maxHeaderBytes"),
    ("--entryPoints.web.forwardedHeaders.connection=x", "entryPoints.web.forwardedHeaders.connection"),
    ("--certificatesResolvers.le.acme.email=a@b.test", "certificatesResolvers"),
    ("--cluster.node=a", "cluster"),
    ("--acme", "acme"),
    ("--docker.swarmMode", "docker.swarmMode"),
]


@pytest.mark.parametrize(("flag", "key"), UNSERVED_SETTINGS)
def test_what_is_known_and_not_served_is_a_warning_that_names_it(tmp_path: Path, flag: str, key: str) -> None:
    (warning,) = loaded(tmp_path, [flag]).warnings
    assert warning.message == f"{key} is not served yet"


def test_an_unserved_section_of_a_file_is_named_once(tmp_path: Path) -> None:
    yaml = "tracing: {zipkin: {http: {endpoint: 'http://a'}}}\nentryPoints: {web: {http: {tls: {}}}}\n"
    warnings = loaded(tmp_path, traefik_yml=yaml).warnings
    assert [warning.subject.rpartition(" ")[2] for warning in warnings] == [
        "tracing.zipkin",
        "entryPoints.web.http.tls",
    ]


def test_an_unserved_option_that_is_off_is_no_news(tmp_path: Path) -> None:
    assert loaded(tmp_path, ["--metrics=false", "--global.sendAnonymousUsage=false"]).warnings == ()


@pytest.mark.parametrize("pattern", UNSERVED_OPTIONS)
def test_every_unserved_option_is_accepted_as_a_flag(tmp_path: Path, pattern: str) -> None:
    result = loaded(tmp_path, [f"--{pattern.replace('*', 'web')}.x=1"])
    assert len(result.warnings) == 1


def test_a_network_that_is_none_is_named_with_its_place(tmp_path: Path) -> None:
    toml = '[entryPoints.http]\naddress = ":80"\nforwardedHeaders.trustedIPs = ["10.0.0.0/99"]'
    (diagnostic,) = refused(tmp_path, traefik_toml=toml)
    assert diagnostic.subject == f"{tmp_path}/traefik.toml: entryPoints.http.forwardedHeaders.trustedIPs"
    assert diagnostic.hint.startswith("'10.0.0.0/99' is neither an address nor a network such as")


SHORT = {
    "--providers.consulCatalog.endpoint.endpointWaitTime": "1s",
    "--registrator.resync": "1s",
    "--entryPoints.web.transport.respondingTimeouts.readTimeout": "10ms",
    "--entryPoints.web.transport.respondingTimeouts.writeTimeout": "10ms",
    "--serversTransport.forwardingTimeouts.dialTimeout": "10ms",
    "--serversTransport.forwardingTimeouts.responseHeaderTimeout": "10ms",
    "--limits.stallTimeout": "10ms",
    "--limits.responsePauseTimeout": "10ms",
    "--limits.tunnelIdleTimeout": "10ms",
}


@pytest.mark.parametrize(("flag", "least"), SHORT.items())
def test_a_time_that_is_absurdly_short_is_told_and_the_least_is_taken(
    tmp_path: Path, flag: str, least: str
) -> None:
    found, enough = (loaded(tmp_path, [f"{flag}={value}"]) for value in ("1ns", least))
    assert found.settings == enough.settings
    assert enough.warnings == ()
    (told,) = found.warnings
    assert told.subject == f"flag {flag}"
    assert told.message == f"{flag.removeprefix('--')} is too short: 1ns"
    assert told.hint == f"{least} is taken; give no less"
    never = loaded(tmp_path, [f"{flag}=0"])
    assert (never.warnings, never.settings != found.settings) == ((), True)


def test_each_floor_is_tested() -> None:
    assert len(SHORT) == len(MINIMUM_DURATIONS)
