"""The registrar's options from the settings."""

from pathlib import Path

import pytest

from discovery.providers import configured_providers
from discovery.registrar import options as module
from discovery.registrar.options import Plan, plan_from_settings
from rondpoint.settings import SettingsError, load


def plan(*flags: str, cwd: Path) -> Plan:
    settings = load(flags, {}, cwd).settings
    assert settings.registrator is not None
    return plan_from_settings(settings, settings.registrator)


def test_the_settings_enable_the_registrar(tmp_path: Path) -> None:
    for flags, made in (
        ([], False),
        (["--registrator.enabled"], True),
        (["--registrator.internal"], True),
        (["--registrator.internal", "--registrator.enabled=false"], False),
    ):
        settings = load(["--providers.file.directory=.", *flags], {}, tmp_path).settings
        assert ("registrator" in configured_providers(settings)) is made


def test_every_setting_has_its_option(tmp_path: Path) -> None:
    found = plan(
        "--registrator.internal",
        "--registrator.docker=tcp://engine:2375",
        "--registrator.consul.address=consul:8501",
        "--registrator.consul.scheme=https",
        "--registrator.consul.token=secret",
        "--registrator.consul.httpAuth.username=u",
        "--registrator.consul.tls.ca=/ca.pem",
        "--registrator.resync=1m",
        "--registrator.cleanup",
        "--registrator.deregister=On-Success",
        "--registrator.explicit",
        "--registrator.ip=192.0.2.7",
        "--registrator.useIpFromLabel=address",
        "--registrator.tags=a,b",
        cwd=tmp_path,
    )
    assert (found.engine.endpoint, str(found.consul), found.consul.token) == (
        "tcp://engine:2375",
        "https://consul:8501",
        "secret",
    )
    assert (found.consul.username, found.consul.tls.ca) == ("u", "/ca.pem")
    assert (found.resync, found.cleanup, found.on_success) == (60, True, True)
    options = found.options
    assert (options.internal, options.explicit, options.ip) == (True, True, "192.0.2.7")
    assert (options.ip_label, options.tags) == ("address", ("a", "b"))


def test_it_registers_with_the_catalogues_consul_by_default(tmp_path: Path) -> None:
    catalogue = ["--consulCatalog.endpoint=consul:1234", "--registrator.internal"]
    assert str(plan(*catalogue, cwd=tmp_path).consul) == "http://consul:1234"
    own = plan(*catalogue, "--registrator.consul.address=other", cwd=tmp_path)
    assert str(own.consul) == "http://other:8500"
    several = plan("--providers.consulCatalog.endpoint.address=a,b:1", "--registrator.internal", cwd=tmp_path)
    assert str(several.consul) == "http://a:8500"


def test_it_follows_the_docker_providers_engine_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(module, "SOCKETS", (tmp_path / "docker.sock",))
    routed = plan("--docker.endpoint=tcp://engine:1", "--registrator.internal", cwd=tmp_path)
    assert routed.engine.endpoint == "tcp://engine:1"
    alone = plan("--consulCatalog.endpoint=consul:1234", "--registrator.internal", cwd=tmp_path)
    assert alone.engine.endpoint == f"unix://{tmp_path}/docker.sock"


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--registrator.consul.address=a,b", "expected one Consul agent"),
        ("--registrator.deregister=never", "expected always or on-success"),
        ("--registrator.resync=often", "expected a duration"),
        ("--registrator.intrnal", "did you mean --registrator.internal?"),
    ],
)
def test_an_invalid_setting_is_reported(flag: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load([flag], {}, tmp_path)
    assert words in "\n".join(map(str, caught.value.diagnostics))
