"""The settings of the Mesos provider, with Traefik 1's names."""

from __future__ import annotations

from pathlib import Path

import pytest

from rondpoint.settings.tree.section import as_dict

from .loading import load_errors, load_settings


def test_all_settings_of_traefik_1_are_read(tmp_path: Path) -> None:
    text = """
constraints = ["tag==common"]
[mesos]
endpoint = "zk://a:2181,b:2181/mesos"
domain = "m.test"
watch = false
exposedByDefault = false
groupsAsSubDomains = true
zkDetectionTimeout = 5
refreshSeconds = 10
ipSources = "netinfo,host"
stateTimeoutSecond = "20"
constraints = ["tag==own"]
templateVersion = 2
  [mesos.TLS]
  ca = "ca.pem"
  insecureSkipVerify = true
"""
    loaded = load_settings(tmp_path, traefik_toml=text)
    options = loaded.settings.providers.mesos
    assert options is not None
    assert {**as_dict(options), "default_rule": ""} == {
        "default_rule": "",
        "endpoint": ("zk://a:2181", "b:2181/mesos"),
        "domain": "m.test",
        "exposed_by_default": False,
        "groups_as_sub_domains": True,
        "constraints": "tag==common, tag==own",
        "zk_detection_timeout": 5,
        "refresh_seconds": 10,
        "state_timeout_second": 20,
        "ip_sources": ("netinfo", "host"),
        "tls": {"ca": "ca.pem", "cert": "", "key": "", "insecure_skip_verify": True},
        "watch": False,
    }
    assert [each.message.partition(" ")[0] for each in loaded.warnings] == ["mesos.templateVersion"]


def test_flags_of_traefik_1_are_read(tmp_path: Path) -> None:
    flags = ["--mesos", "--mesos.endpoint=10.0.0.1:5050,10.0.0.2:5050", "--mesos.domain=m.test"]
    options = load_settings(tmp_path, flags).settings.providers.mesos
    assert options is not None
    assert (options.endpoint, options.domain) == (("10.0.0.1:5050", "10.0.0.2:5050"), "m.test")


@pytest.mark.parametrize("sources", ["dns", "host,dns"])
def test_an_unknown_source_of_addresses_is_refused(tmp_path: Path, sources: str) -> None:
    (fault,) = load_errors(tmp_path, ["--mesos", f"--mesos.ipSources={sources}"])
    assert "expected some of host, netinfo, docker, mesos" in str(fault)
