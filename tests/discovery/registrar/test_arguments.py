"""Registrator's command line."""

from pathlib import Path
from typing import Any

import pytest

from discovery.registrar import options
from discovery.registrar.arguments import FLAGS, USAGE, RegistrarCommand, parse_command
from discovery.registrar.flags import HelpRequested, UsageError
from discovery.registrar.host import host_name

CONSUL = "consul://127.0.0.1:8500"

ALL = [
    *("-cleanup", "-deregister", "on-success", "-explicit=true", "--internal", "-ip=192.0.2.7"),
    *("-resync", "60", "--retry-attempts=3", "-retry-interval", "500", "-tags", r"a,b\,c"),
    *("-useIpFromLabel", "address"),
]


def test_every_flag_has_its_option() -> None:
    found = parse_command([*ALL, CONSUL])
    options = found.plan.options
    assert (options.hostname, options.internal, options.explicit) == (host_name(), True, True)
    assert (options.ip, options.tags, options.ip_label) == ("192.0.2.7", ("a", "b,c"), "address")
    assert (found.plan.cleanup, found.plan.on_success, found.plan.resync) == (True, True, 60)
    assert (found.attempts, found.interval, found.warnings) == (3, 0.5, ())


def test_without_flags_it_retries_for_ever_and_registers_published_ports() -> None:
    found = parse_command([CONSUL])
    assert not found.plan.options.internal
    assert (found.plan.cleanup, found.plan.on_success, found.plan.resync) == (False, False, 0)
    assert found.attempts == -1


@pytest.mark.parametrize(
    ("arguments", "internal"),
    [
        (["-internal", CONSUL], True),
        (["--internal", CONSUL], True),
        (["-internal=1", CONSUL], True),
        (["-internal=false", CONSUL], False),
        ([CONSUL, "-internal"], True),
        (["-internal", "--", CONSUL], True),
    ],
)
def test_switches_are_written_as_in_go(arguments: list[str], internal: bool) -> None:
    assert parse_command(arguments).plan.options.internal is internal


@pytest.mark.parametrize(
    ("registry", "url"),
    [
        ("consul://172.17.0.1:8500", "http://172.17.0.1:8500"),
        ("consul://consul", "http://consul:8500"),
        ("consul://[fd00::1]:8501/", "http://[fd00::1]:8501"),
        ("consul://", "http://127.0.0.1:8500"),
        ("consul-tls://consul:8501", "https://consul:8501"),
    ],
)
def test_the_registry_is_consul(registry: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONSUL_HTTP_ADDR", raising=False)
    assert str(parse_command([registry]).plan.consul) == url


def test_consuls_own_variables_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "other:1234")
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", "secret")
    monkeypatch.setenv("CONSUL_CACERT", "/ca.pem")
    assert str(parse_command(["consul://"]).plan.consul) == "http://other:1234"
    named = parse_command(["consul-tls://here:8501"]).plan.consul
    assert (str(named), named.token, named.tls.ca) == ("https://here:8501", "secret", "/ca.pem")


def test_too_short_a_retry_interval_is_raised_to_the_minimum() -> None:
    found = parse_command(["-retry-interval=1", CONSUL])
    assert found.interval == 0.01
    assert found.warnings == ("flag -retry-interval 1 is too short: 10 is used, the minimum",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the registry is missing: consul://HOST:PORT"),
        (["-internal"], "the registry is missing"),
        ([CONSUL, "consul://b"], "unexpected words: consul://b"),
        (
            ["etcd://127.0.0.1:2379"],
            "'etcd://127.0.0.1:2379' is not supported: consul:// and consul-tls:// are",
        ),
        (["consul-unix:///run/consul.sock"], "is not supported"),
        (["127.0.0.1:8500"], "is not supported"),
        (["consul://127.0.0.1:x"], "no usable port"),
        (["-intrnal", CONSUL], "unknown flag -intrnal (did you mean -internal?)"),
        (["--zzz=1", CONSUL], "unknown flag --zzz"),
        (["-ip"], "flag -ip needs a value: -ip ADDRESS"),
        (["-internal=perhaps", CONSUL], "bad value 'perhaps' for flag -internal: expected true or false"),
        (["-resync", "often", CONSUL], "bad value 'often' for flag -resync: expected a whole number"),
        (["-resync", "-1", CONSUL], "bad value -1 for flag -resync: expected 0 or more"),
        (["-retry-attempts=-2", CONSUL], "flag -retry-attempts: expected -1 or more"),
        (["-retry-interval", "0", CONSUL], "flag -retry-interval: expected 1 or more"),
        (["-deregister", "never", CONSUL], "flag -deregister: always or on-success"),
        (["-tags", "{{.ID}}", CONSUL], "templates are not supported"),
    ],
)
def test_a_usage_error_is_one_line(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_command(arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_times_to_live_have_no_effect_and_a_warning() -> None:
    found: RegistrarCommand = parse_command(["-ttl", "30", "-ttl-refresh", "10", CONSUL])
    assert [each.split()[1] for each in found.warnings] == ["-ttl", "-ttl-refresh"]


@pytest.mark.parametrize("flag", ["-h", "-help", "--help"])
def test_help_is_no_error(flag: str) -> None:
    with pytest.raises(HelpRequested):
        parse_command([flag])
    assert all(f"  -{name} " in USAGE for name in FLAGS)


def test_the_default_engine_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = tmp_path / "first.sock", tmp_path / "last.sock"
    monkeypatch.setattr(options, "SOCKETS", (first, last))

    def found(**environment: Any) -> str:
        return options.default_docker(environment)

    assert found(DOCKER_HOST="tcp://engine:2375") == "tcp://engine:2375"
    assert found() == f"unix://{last}"
    first.touch()
    assert found() == f"unix://{first}"


def test_the_default_sockets_are_registrators_and_the_engines() -> None:
    assert [str(each) for each in options.SOCKETS] == ["/tmp/docker.sock", "/var/run/docker.sock"]
