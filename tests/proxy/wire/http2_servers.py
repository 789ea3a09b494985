"""Routes to origins that speak HTTP/2."""

import msgspec

from rondpoint.model import Scheme, Server
from tests.lab.origin import Origin
from tests.proxy.running import Proxy


def route_http2(
    proxy: Proxy,
    origin: Origin,
    scheme: Scheme = "h2c",
    *,
    middlewares: tuple[str, ...] = (),
    **options: object,
) -> str:
    """Serve this origin under a new host name; the service has these options."""
    host = proxy.route(origin, middlewares=middlewares)
    server = Server("s", "127.0.0.1", origin.port, scheme)
    name = host.removesuffix(".test")
    proxy.services[name] = msgspec.structs.replace(proxy.services[name], servers=(server,), **options)
    proxy.publish()
    return host
