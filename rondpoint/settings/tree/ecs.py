"""The settings of the provider for Amazon ECS."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import PositiveInt, Switch, Text, Texts


class EcsOptions(Section):
    """Route the containers of Amazon ECS by their Docker labels."""

    clusters: Texts = Field(default=("default",), description="The names or ARNs of the clusters to read.")
    auto_discover_clusters: Switch = Field(
        default=False, description="Read all clusters of the region, in place of `clusters`."
    )
    region: Text = Field(
        default="", description="The AWS region. Without it, the environment and configuration of AWS apply."
    )
    access_key_id: Text = Field(
        default="",
        description="The access key. Without it, the environment, the task's role and so on apply, as in the "
        "tools of AWS.",
    )
    secret_access_key: Text = Field(default="", description="The secret of the access key.")
    refresh_seconds: PositiveInt = Field(default=15, description="The interval of readings, in seconds.")
    healthy_tasks_only: Switch = Field(
        default=False, description="Route only tasks whose health status is `HEALTHY`."
    )
    ecs_anywhere: Switch = Field(
        default=False, description="Ask Systems Manager for the addresses of external instances."
    )
    exposed_by_default: Switch = Field(
        default=True, description="Route containers without an `enable` label."
    )
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)", description="Traefik 3: the rule of routers without one."
    )
    domain: Text = Field(
        default="", description="Traefik 1: the domain for default rules (`Host:NAME.DOMAIN`)."
    )
    constraints: Text = Field(
        default="",
        description="Route only containers that match: ``Label(`a`, `b`) && !LabelRegex(`c`, `^d`)``; "
        "Traefik 1: `tag==api-*`, for the label `traefik.tags`.",
    )
