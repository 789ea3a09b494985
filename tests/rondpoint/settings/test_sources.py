"""The sources of settings, the strongest first: flags, environment variables, file, defaults."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rondpoint.diagnostics import Severity
from rondpoint.settings import LogLevel, Settings, SettingsError, load
from rondpoint.settings.sources.environment import EMBEDDED_STORE

from .loading import load_errors, load_settings

Read = Callable[[Settings], object]


def _docker(settings: Settings) -> object:
    return settings.providers.docker and settings.providers.docker.network


ONE_SETTING_IN_EACH_SOURCE: list[tuple[str, str, str, str, str, Read, object]] = [
    (
        "a level",
        "--log.level=debug",
        "RONDPOINT_LOG_LEVEL=debug",
        '[log]\nlevel = "debug"',
        "log: {level: debug}",
        lambda settings: settings.log.level,
        LogLevel.DEBUG,
    ),
    (
        "a key in two words, in other case",
        "--PROVIDERS.docker.NetWork=front",
        "RONDPOINT_PROVIDERS_DOCKER_NETWORK=front",
        '[Providers.Docker]\nNETWORK = "front"',
        "providers: {DOCKER: {network: front}}",
        _docker,
        "front",
    ),
    (
        "a switch",
        "--providers.docker.exposedByDefault=false",
        "RONDPOINT_PROVIDERS_DOCKER_EXPOSEDBYDEFAULT=False",
        "[providers.docker]\nexposedbydefault = false",
        "providers: {docker: {exposedByDefault: false}}",
        lambda settings: settings.providers.docker and settings.providers.docker.exposed_by_default,
        False,
    ),
    (
        "a count",
        "--workers=3",
        "RONDPOINT_WORKERS=3",
        "workers = 3",
        "workers: '3'",
        lambda settings: settings.workers,
        3,
    ),
    (
        "a duration below a free name",
        "--entryPoints.web.transport.respondingTimeouts.readTimeout=1m",
        "RONDPOINT_ENTRYPOINTS_WEB_TRANSPORT_RESPONDINGTIMEOUTS_READTIMEOUT=1m",
        '[entryPoints.web.transport.respondingTimeouts]\nreadTimeout = "1m"',
        "entryPoints: {web: {transport: {respondingTimeouts: {readTimeout: 60}}}}",
        lambda settings: settings.entry_points["web"].transport.responding_timeouts.read_timeout,
        60.0,
    ),
    (
        "a section that is only named",
        "--providers.docker",
        "RONDPOINT_PROVIDERS_DOCKER=true",
        "[providers.docker]",
        "providers:\n  docker:\n",
        lambda settings: settings.providers.docker is not None,
        True,
    ),
    (
        "a path",
        "--stateDirectory=/var/lib/rondpoint",
        "RONDPOINT_STATEDIRECTORY=/var/lib/rondpoint",
        'stateDirectory = "/var/lib/rondpoint"',
        "stateDirectory: /var/lib/rondpoint",
        lambda settings: settings.state_directory,
        Path("/var/lib/rondpoint"),
    ),
]


@pytest.mark.parametrize(
    ("flag", "variable", "toml", "yaml", "read", "value"),
    [case[1:] for case in ONE_SETTING_IN_EACH_SOURCE],
    ids=[case[0] for case in ONE_SETTING_IN_EACH_SOURCE],
)
def test_a_setting_means_the_same_in_every_source(
    tmp_path: Path, flag: str, variable: str, toml: str, yaml: str, read: Read, value: object
) -> None:
    name, _, text = variable.partition("=")
    assert read(load_settings(tmp_path, [flag]).settings) == value
    assert read(load_settings(tmp_path, environ={name: text}).settings) == value
    assert read(load_settings(tmp_path, rondpoint_toml=toml).settings) == value
    (tmp_path / "rondpoint.toml").unlink()
    assert read(load_settings(tmp_path, rondpoint_yaml=yaml).settings) == value


def test_flags_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    file, environ, flags = (
        'redis.namespace = "file"',
        {"RONDPOINT_REDIS_NAMESPACE": "env"},
        ["--redis.namespace=f"],
    )
    assert load_settings(tmp_path, rondpoint_toml=file).settings.redis.namespace == "file"
    assert load_settings(tmp_path, [], environ).settings.redis.namespace == "env"
    assert load_settings(tmp_path, flags, environ).settings.redis.namespace == "f"


_VALUES = st.none() | st.sampled_from(["one", "two", "three"])


@given(file=_VALUES, variable=_VALUES, flag=_VALUES)
def test_the_strongest_source_with_a_value_wins(
    tmp_path_factory: pytest.TempPathFactory, file: str | None, variable: str | None, flag: str | None
) -> None:
    cwd = tmp_path_factory.mktemp("cwd")
    (cwd / "rondpoint.toml").write_text(f'redis.namespace = "{file}"' if file else "")
    environ = {"RONDPOINT_REDIS_NAMESPACE": variable} if variable else {}
    flags = [f"--redis.namespace={flag}"] if flag else []
    assert load(flags, environ, cwd).settings.redis.namespace == (flag or variable or file or "default")


def test_the_last_of_two_flags_wins(tmp_path: Path) -> None:
    assert load_settings(tmp_path, ["--workers=2", "--workers=5"]).settings.workers == 5


@pytest.mark.parametrize(
    "flags", [["--log.level", "warn"], ["--log.level=warn"], ["-l", "warn"], ["-l=WARNING"]]
)
def test_a_flags_value_follows_an_equals_sign_or_is_the_next_word(tmp_path: Path, flags: list[str]) -> None:
    assert load_settings(tmp_path, flags).settings.log.level is LogLevel.WARN


def test_a_stronger_source_can_switch_a_section_off(tmp_path: Path) -> None:
    file = '[providers.docker]\ndomain = "test"\n[providers.file]\nfilename = "r.toml"'
    settings = load_settings(tmp_path, ["--providers.docker=false"], rondpoint_toml=file).settings
    assert settings.providers.docker is None
    assert settings.providers.file is not None


def test_a_stronger_source_can_switch_a_section_on_again(tmp_path: Path) -> None:
    file = "[providers]\ndocker = false"
    settings = load_settings(tmp_path, ["--providers.docker.domain=test"], rondpoint_toml=file).settings
    assert settings.providers.docker is not None
    assert settings.providers.docker.domain == "test"


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        (["rondpoint.toml", "rondpoint.yml", "traefik.toml"], "rondpoint.toml"),
        (["rondpoint.yml", "rondpoint.yaml", "traefik.toml"], "rondpoint.yml"),
        (["rondpoint.yaml", "traefik.toml"], "rondpoint.yaml"),
        (["traefik.toml", "traefik.yml"], "traefik.toml"),
        (["traefik.yml", "traefik.yaml"], "traefik.yml"),
        (["traefik.yaml"], "traefik.yaml"),
        ([], None),
    ],
)
def test_the_first_existing_file_is_read(tmp_path: Path, files: list[str], chosen: str | None) -> None:
    for name in files:
        key = "workers = 7" if name.endswith("toml") else "workers: 7"
        (tmp_path / name).write_text(key)
    assert load_settings(tmp_path).file == (tmp_path / chosen if chosen else None)


@pytest.mark.parametrize(
    ("flags", "environ"),
    [
        (["--configFile=other.toml"], {}),
        (["--configfile", "other.toml"], {}),
        (["-c", "other.toml"], {}),
        ([], {"RONDPOINT_CONFIGFILE": "other.toml"}),
        (["--configFile=other.toml"], {"RONDPOINT_CONFIGFILE": "absent.toml"}),
    ],
)
def test_config_file_names_the_file_to_read(
    tmp_path: Path, flags: list[str], environ: dict[str, str]
) -> None:
    (tmp_path / "rondpoint.toml").write_text("workers = 2")
    (tmp_path / "other.toml").write_text("workers = 9")
    assert load_settings(tmp_path, flags, environ).settings.workers == 9


def test_variables_set_entry_points_of_any_name(tmp_path: Path) -> None:
    environ = {
        "RONDPOINT_ENTRYPOINTS_MY_WEB_ADDRESS": ":81",
        "RONDPOINT_ENTRYPOINTS_ADDRESS_ADDRESS": ":82",
        "rondpoint_entrypoints_low_address": ":83",
    }
    points = load_settings(tmp_path, [], environ).settings.web_entry_points
    assert {name: point.port for name, point in points.items()} == {"my_web": 81, "address": 82, "low": 83}


def test_variables_use_the_spelling_of_entry_points_in_the_file(tmp_path: Path) -> None:
    file = '[entryPoints.WebSecure]\naddress = ":443"'
    environ = {"RONDPOINT_ENTRYPOINTS_WEBSECURE_ADDRESS": ":8443"}
    points = load_settings(tmp_path, [], environ, rondpoint_toml=file).settings.web_entry_points
    assert {name: point.port for name, point in points.items()} == {"WebSecure": 8443}


def test_variables_for_a_linked_service_called_rondpoint_are_no_settings(tmp_path: Path) -> None:
    variables = {
        "RONDPOINT_SERVICE_HOST": "10.0.0.1",
        "RONDPOINT_PORT": "tcp://10.0.0.1:80",
        "RONDPOINT_PORT_80_TCP_ADDR": "10.0.0.1",
    }
    assert load_settings(tmp_path, [], variables).warnings == ()


def test_flags_passed_by_up_count_as_flags(tmp_path: Path) -> None:
    environ = {
        "RONDPOINT_FLAGS": json.dumps(["--workers=4", "--logLevel", "DEBUG"]),
        "RONDPOINT_WORKERS": "6",
    }
    settings = load_settings(tmp_path, [], environ).settings
    assert (settings.workers, settings.log.level) == (4, LogLevel.DEBUG)
    assert load_settings(tmp_path, ["--workers=5"], environ).settings.workers == 5


@pytest.mark.parametrize("passed", ["{", "{}", "[1]", "null"])
def test_invalid_passed_flags_are_refused(tmp_path: Path, passed: str) -> None:
    (diagnostic,) = load_errors(tmp_path, [], {"RONDPOINT_FLAGS": passed})
    assert diagnostic.subject == "environment variable RONDPOINT_FLAGS"


def test_up_tells_its_children_of_the_embedded_store_and_nobody_else_can(tmp_path: Path) -> None:
    environ = {EMBEDDED_STORE: "1", "RONDPOINT_REDIS_URL": "unix:///store.sock"}
    assert load_settings(tmp_path, (), environ).settings.redis.embedded
    assert not load_settings(tmp_path, ["--redis.url=unix:///store.sock"]).settings.redis.embedded
    (fault,) = load_errors(tmp_path, ["--redis.embedded=true"])
    assert "unknown key redis.embedded" in fault.message


def test_files_may_be_those_of_a_container(tmp_path: Path) -> None:
    (tmp_path / "mounted.toml").write_text("workers = 3")
    inside = {
        Path("/etc/traefik/traefik.toml"): tmp_path / "mounted.toml",
        Path("/gone.toml"): tmp_path / "gone",
    }
    found = load([], {}, Path("/"), inside.get)
    assert (found.settings.workers, found.file) == (3, tmp_path / "mounted.toml")
    # A path without a counterpart on this machine is skipped; with one, the file must exist.
    found = load(["--configFile=unseen.toml", "--workers=2"], {}, Path("/"), inside.get)
    assert (found.settings.workers, found.file) == (2, None)
    with pytest.raises(SettingsError, match=r"there is no file gone\.toml"):
        load(["--configFile=gone.toml"], {}, Path("/"), inside.get)


def test_a_variable_that_is_the_prefix_alone_is_an_error(tmp_path: Path) -> None:
    [diagnostic] = load_errors(tmp_path, [], {"RONDPOINT_": ""})
    assert diagnostic.message == "unknown setting RONDPOINT_"


def test_variables_of_traefik_are_read_if_there_are_neither_flags_nor_a_file(tmp_path: Path) -> None:
    environ = {"TRAEFIK_ENTRYPOINTS_WEB_ADDRESS": ":8123", "TRAEFIK_LOG_LEVEL": "DEBUG"}
    loaded = load_settings(tmp_path, [], {**environ, "RONDPOINT_LOG_LEVEL": "WARN"})
    assert loaded.settings.entry_points["web"].address == ":8123"
    assert loaded.settings.log.level == LogLevel.WARN
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("flags", "files", "source"),
    [(["--workers=2"], {}, "are flags"), ([], {"traefik_toml": "workers = 2"}, "is ")],
)
def test_beside_flags_or_a_file_variables_of_traefik_have_no_effect(
    tmp_path: Path, flags: Sequence[str], files: Mapping[str, str], source: str
) -> None:
    environ = {"TRAEFIK_API_INSECURE": "true", "TRAEFIK_API_INSECURR": "true"}
    loaded = load_settings(tmp_path, flags, environ, **files)
    assert not loaded.settings.api.insecure
    (found,) = loaded.warnings
    assert found.message.startswith(
        f"TRAEFIK_API_INSECURE has no effect, as in Traefik, because there {source}"
    )
    assert found.hint == "to use it, rename it to RONDPOINT_API_INSECURE"


@pytest.mark.parametrize(
    "name",
    ["TRAEFIK_USER", "TRAEFIK_WORKERS", "TRAEFIK_API_PORT_80_TCP_ADDR", "TRAEFIK_METRICS_SERVICE_HOST"],
)
def test_other_variables_that_begin_with_traefik_are_no_settings(tmp_path: Path, name: str) -> None:
    loaded = load_settings(tmp_path, [], {name: "nobody"})
    assert loaded.warnings == ()
    assert loaded.settings == load_settings(tmp_path).settings


def test_an_unknown_variable_of_traefik_is_an_error(tmp_path: Path) -> None:
    (found,) = load_errors(tmp_path, [], {"TRAEFIK_PROVIDERS_DOKCER": "true"})
    assert (found.message, found.hint) == (
        "unknown setting TRAEFIK_PROVIDERS_DOKCER",
        "did you mean TRAEFIK_PROVIDERS_DOCKER?",
    )


def test_options_without_which_nothing_is_lost_get_a_note(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, traefik_yml="global: {checkNewVersion: true}\npilot: {token: x}\n")
    assert [item.severity for item in loaded.warnings] == [Severity.NOTE] * 2
    assert loaded.warnings[1].message == "pilot has no effect: Traefik Pilot does not exist any more"


def test_a_table_whose_options_are_off_gets_no_note(tmp_path: Path) -> None:
    text = "global:\n  checkNewVersion: false\n  sendAnonymousUsage: false\n"
    assert load_settings(tmp_path, traefik_yml=text).warnings == ()


def test_an_unserved_option_in_a_table_is_reported_once(tmp_path: Path) -> None:
    text = "experimental:\n  plugins:\n    a: {moduleName: b, version: c}\n"
    (found,) = load_settings(tmp_path, traefik_yml=text).warnings
    assert "experimental.plugins has no effect" in found.message
