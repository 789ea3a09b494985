"""The settings of the Marathon provider, with Traefik 1's names."""

from __future__ import annotations

from pathlib import Path

from rondpoint.settings.tree.section import as_dict

from .loading import load_settings


def test_all_settings_of_traefik_1_are_read(tmp_path: Path) -> None:
    text = """
constraints = ["tag==common"]
[marathon]
endpoint = "http://a:8080,b:8080"
domain = "m.test"
watch = false
exposedByDefault = false
groupsAsSubDomains = true
marathonLBCompatibility = true
filterMarathonConstraints = true
forceTaskHostname = true
respectReadinessChecks = true
dcosToken = "t"
constraints = ["tag==own"]
dialerTimeout = "5s"
keepAlive = "10s"
  [marathon.basic]
  httpBasicAuthUser = "u"
  httpBasicPassword = "p"
  [marathon.tls]
  ca = "ca.pem"
  insecureSkipVerify = true
"""
    loaded = load_settings(tmp_path, traefik_toml=text)
    options = loaded.settings.providers.marathon
    assert options is not None
    assert {**as_dict(options), "default_rule": ""} == {
        "default_rule": "",
        "endpoint": ("http://a:8080", "b:8080"),
        "domain": "m.test",
        "exposed_by_default": False,
        "groups_as_sub_domains": True,
        "marathon_lb_compatibility": True,
        "filter_marathon_constraints": True,
        "constraints": "tag==common, tag==own",
        "force_task_hostname": True,
        "respect_readiness_checks": True,
        "dcos_token": "t",
        "basic": {"http_basic_auth_user": "u", "http_basic_password": "p"},
        "tls": {"ca": "ca.pem", "cert": "", "key": "", "insecure_skip_verify": True},
        "watch": False,
    }
    assert [each.message.partition(" ")[0] for each in loaded.warnings] == [
        "marathon.dialerTimeout",
        "marathon.keepAlive",
    ]


def test_a_template_of_the_user_closes_the_provider(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, ["--marathon.filename=own.tmpl", "--marathon"])
    assert [each.part for each in loaded.settings.closed_parts] == ["provider marathon"]
