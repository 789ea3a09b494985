"""The settings of the provider for ZooKeeper."""

from __future__ import annotations

from pydantic import Field

from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import Switch, Text, Texts


class ZooKeeperTls(Section):
    """TLS for connections to ZooKeeper, at its secure client port. Traefik 3 has no such section."""

    ca: Text = Field(
        default="", description="The file with the CA certificate that verifies ZooKeeper's certificate."
    )
    cert: Text = Field(default="", description="The file with the client certificate for ZooKeeper.")
    key: Text = Field(default="", description="The file with the key of the client certificate.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Accept any certificate of ZooKeeper. For tests only."
    )


class ZooKeeperOptions(Section):
    """Read routes from znodes of ZooKeeper (3.6 or later)."""

    endpoints: Texts = Field(
        default=("127.0.0.1:2181",),
        description="ZooKeeper servers of one ensemble: `host:port`; the next one is used if one fails.",
    )
    root_key: Text = Field(default="traefik", description="The znode above all znodes to read.")
    username: Text = Field(
        default="", description="The user that access control lists know by the scheme `digest`."
    )
    password: Text = Field(default="", description="The password of this user.")
    tls: ZooKeeperTls | None = None
    watch: Switch = Field(default=True, description="Follow changes of the znodes.")
