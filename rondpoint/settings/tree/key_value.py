"""The settings of the providers for etcd, Redis and ZooKeeper, and those that they share with Consul's."""

from __future__ import annotations

from rondpoint.settings.declaration import Field
from rondpoint.settings.tree.section import Section
from rondpoint.settings.values import NonNegativeInt, Switch, Text, Texts


class StoreTls(Section):
    """TLS for connections to a store of keys; naming the section switches to TLS."""

    ca: Text = Field(
        default="", description="The file with the CA certificate that verifies the store's certificate."
    )
    cert: Text = Field(default="", description="The file with the client certificate.")
    key: Text = Field(default="", description="The file with the key of the client certificate.")
    insecure_skip_verify: Switch = Field(
        default=False, description="Accept any certificate of the store. For tests only."
    )


class KeyValueOptions(Section):
    """The options that all stores of keys have in common."""

    root_key: Text = Field(default="traefik", description="The key above all keys to read.")
    watch: Switch = Field(default=True, description="Follow changes of the keys.")


class EtcdOptions(KeyValueOptions):
    """Read routes from keys of etcd, by its API v3."""

    endpoints: Texts = Field(
        default=("127.0.0.1:2379",),
        description="Members of etcd: `host:port` or URLs; the next one is used if one fails.",
    )
    username: Text = Field(default="", description="The user, if etcd requires one.")
    password: Text = Field(default="", description="The password of the user.")
    tls: StoreTls | None = None


class RedisSentinel(Section):
    """Redis Sentinels, which know the master of a group."""

    master_name: Text = Field(default="", description="The name of the master's group.")
    username: Text = Field(default="", description="The user of the Sentinels.")
    password: Text = Field(default="", description="The password of the Sentinels.")


class RedisKeysOptions(KeyValueOptions):
    """Read routes from keys of Redis or Valkey."""

    endpoints: Texts = Field(
        default=("127.0.0.1:6379",),
        description="Servers: `host:port`, with `sentinel` the Sentinels; the next one is used if one fails.",
    )
    username: Text = Field(default="", description="The user; without one, Redis' default user.")
    password: Text = Field(default="", description="The password of the user.")
    db: NonNegativeInt = Field(default=0, description="The number of the database.")
    tls: StoreTls | None = None
    sentinel: RedisSentinel | None = None


class ZooKeeperOptions(KeyValueOptions):
    """Read routes from znodes of ZooKeeper (3.6 or later)."""

    endpoints: Texts = Field(
        default=("127.0.0.1:2181",),
        description="Servers of one ensemble: `host:port`; the next one is used if one fails.",
    )
    username: Text = Field(
        default="", description="The user that access control lists know by the scheme `digest`."
    )
    password: Text = Field(default="", description="The password of the user.")
    tls: StoreTls | None = None
