"""Connects to Redis servers, and finds the master that Sentinels name."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from discovery.connections.addresses import Address, parse_address
from discovery.connections.keep_alive import KEEP_ALIVE_TIMES
from discovery.providers.errors import ProviderError
from discovery.providers.redis_keys.faults import faults_of
from rondpoint.settings import RedisKeysOptions

DEFAULT_PORT, SENTINEL_PORT = 6379, 26379
TIMEOUT = 10.0
"""Seconds within which a server must accept and respond."""

_SCHEMES = ("redis", "rediss")


def addresses_of(options: RedisKeysOptions) -> tuple[Address, ...]:
    """Return the addresses of the settings. Raises ValueError with one line."""
    port = DEFAULT_PORT if options.sentinel is None else SENTINEL_PORT
    return tuple(parse_address(each.strip(), "Redis", port, _SCHEMES) for each in options.endpoints)


def connect(address: Address, options: RedisKeysOptions) -> redis.Redis:
    """Return a client for the server at `address`, or for the master that this Sentinel names.

    Raises ProviderError.
    """
    sentinel = options.sentinel
    if sentinel is None:
        username, password = options.username or address.username, options.password or address.password
        return _client(address, options, username, password, options.db)
    if not sentinel.master_name:
        raise ProviderError("providers.redis.sentinel.masterName is not set")
    with _client(address, options, sentinel.username, sentinel.password, 0) as asked, faults_of(address):
        found = asked.sentinel_get_master_addr_by_name(sentinel.master_name)
    if found is None:
        raise ProviderError(
            f"the Sentinel at {address} knows no master {sentinel.master_name!r}",
            "set providers.redis.sentinel.masterName to a name that `SENTINEL MASTERS` lists",
        )
    host = found[0].decode() if isinstance(found[0], bytes) else str(found[0])
    master = Address(host, int(found[1]), address.scheme)
    return _client(master, options, options.username, options.password, options.db)


def address_of(client: redis.Redis) -> str:
    """Return the `host:port` of a client's server."""
    options = client.get_connection_kwargs()
    return str(Address(options["host"], options["port"]))


def _client(
    address: Address, options: RedisKeysOptions, username: str, password: str, database: int
) -> redis.Redis:
    tls = options.tls
    secure = tls is not None or address.scheme == "rediss"
    return redis.Redis(
        host=address.host,
        port=address.port,
        db=database,
        username=username or None,
        password=password or None,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        socket_keepalive=True,
        socket_keepalive_options=KEEP_ALIVE_TIMES,
        # The provider itself tries again, at the next endpoint.
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        ssl=secure,
        ssl_ca_certs=(tls.ca if tls else "") or None,
        ssl_certfile=(tls.cert if tls else "") or None,
        ssl_keyfile=(tls.key if tls else "") or None,
        ssl_cert_reqs="none" if tls is not None and tls.insecure_skip_verify else "required",
        ssl_check_hostname=not (tls is not None and tls.insecure_skip_verify),
    )
