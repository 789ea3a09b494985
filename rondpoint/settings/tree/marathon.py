"""The settings of the Marathon provider, with the names of Traefik 1 and 2."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.client_tls import ClientTls
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text, Texts


class MarathonBasic(Section):
    http_basic_auth_user: Text = Field(default="", description="The user for HTTP basic authentication.")
    http_basic_password: Text = Field(default="", description="The password for HTTP basic authentication.")


class MarathonOptions(Section):
    """Route the apps of Marathon by their labels."""

    endpoint: Texts = Field(
        default=("http://127.0.0.1:8080",),
        description="The URLs of Marathon's API; the next one is used if one fails. Those without a scheme "
        "have that of the first one.",
    )
    domain: Text = Field(default="", description="The domain for default rules (`Host:APP.DOMAIN`).")
    exposed_by_default: Switch = Field(default=True, description="Route apps without an `enable` label.")
    default_rule: Text = Field(
        default="Host(`{{ normalize .Name }}`)",
        description="The rule of routers without one, for apps with labels of Traefik 3.",
    )
    groups_as_sub_domains: Switch = Field(
        default=False, description="Default rules have the groups of an app as subdomains."
    )
    marathon_lb_compatibility: Switch = Field(
        default=False,
        description="Read marathon-lb's labels: `HAPROXY_0_VHOST` is the host, `HAPROXY_GROUP` a tag for "
        "constraints.",
    )
    filter_marathon_constraints: Switch = Field(
        default=False, description="The constraints of apps are tags for `constraints`, joined by colons."
    )
    constraints: Text = Field(
        default="",
        description="Route only apps that match, such as `tag==api-*` for the label `traefik.tags`.",
    )
    force_task_hostname: Switch = Field(
        default=False, description="Connect to the hosts of tasks, not to tasks' own addresses."
    )
    respect_readiness_checks: Switch = Field(
        default=False, description="During a deployment, route only tasks whose readiness check succeeded."
    )
    dcos_token: Text = Field(default="", description="The token for DC/OS; replaces `basic`.")
    basic: MarathonBasic = MarathonBasic()
    tls: ClientTls | None = None
    watch: Switch = Field(default=True, description="Follow Marathon's events.")
