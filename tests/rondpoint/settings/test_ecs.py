"""The settings of the ECS provider, with the names of Traefik 1 and 3."""

from __future__ import annotations

from pathlib import Path

from rondpoint.settings import EcsOptions
from rondpoint.settings.tree.section import replace

from .loading import load_settings

COMMON = """
clusters = ["a", "b"]
autoDiscoverClusters = true
region = "eu-west-1"
accessKeyID = "key"
secretAccessKey = "secret"
refreshSeconds = 3
exposedByDefault = false
domain = "ecs.test"
"""
EXPECTED = EcsOptions(
    clusters=("a", "b"),
    auto_discover_clusters=True,
    region="eu-west-1",
    access_key_id="key",
    secret_access_key="secret",
    refresh_seconds=3,
    exposed_by_default=False,
    domain="ecs.test",
)


def test_the_settings_of_traefik_1_are_read(tmp_path: Path) -> None:
    text = f'[ecs]{COMMON}constraints = ["tag==a"]'
    loaded = load_settings(tmp_path, traefik_toml=text)
    assert loaded.settings.providers.ecs == replace(EXPECTED, constraints="tag==a")
    assert loaded.warnings == ()


def test_the_settings_of_traefik_3_are_read(tmp_path: Path) -> None:
    text = f"[providers.ecs]{COMMON}healthyTasksOnly = true\necsAnywhere = true\ndefaultRule = 'Host(`a`)'"
    found = load_settings(tmp_path, traefik_toml=text).settings.providers.ecs
    expected = {"healthy_tasks_only": True, "ecs_anywhere": True, "default_rule": "Host(`a`)"}
    assert found == replace(EXPECTED, **expected)


def test_the_old_name_of_one_cluster_is_read(tmp_path: Path) -> None:
    found = load_settings(tmp_path, ["--ecs.cluster=web"]).settings.providers.ecs
    assert found is not None
    assert (found.clusters, found.refresh_seconds) == (("web",), 15)
