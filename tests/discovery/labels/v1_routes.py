"""Every label of Traefik 1.7 for routes, with its expected result.

Options of frontends and backends are in `tests.discovery.labels.v1_options`. Labels are written without
`traefik.` and added to PLAIN.
"""

from typing import Any

from msgspec import Struct

from rondpoint.settings import DockerOptions
from rondpoint.settings.tree.section import read_section

PLAIN = {"port": "8080", "backend": "shop", "frontend.rule": "Host:shop.test"}


class Row(Struct, frozen=True):
    """Labels with the expected fields of the router, the service and the server.

    If `routed` is False, there must be none of them. `without` are labels of PLAIN that are left out,
    `options` those of the provider, `container` further fields of the container.
    """

    labels: dict[str, str]
    router: dict[str, Any] = {}
    service: dict[str, Any] = {}
    server: dict[str, Any] = {}
    routed: bool = True
    without: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    container: dict[str, Any] = {}

    @property
    def settings(self) -> DockerOptions:
        return read_section(DockerOptions, self.options)


TWO_NETWORKS = {"networks": {"back": "10.0.1.2", "front": "10.0.2.2"}}
PORTS = {"ports": (8443, 80)}

ROUTES = [
    Row({"docker.network": "front"}, server={"host": "10.0.2.2"}, container=TWO_NETWORKS),
    Row({}, server={"host": "10.0.1.2"}, container=TWO_NETWORKS),
    Row({}, server={"host": "10.0.2.2"}, container=TWO_NETWORKS, options={"network": "front"}),
    Row(
        {"docker.network": "back"},
        server={"host": "10.0.1.2"},
        container=TWO_NETWORKS,
        options={"network": "front"},
    ),
    Row({"domain": "other.test"}, {"rule": "Host:web-1.other.test"}, without=("frontend.rule",)),
    Row(
        {"domain": "other.test"},
        {"rule": "Host:web-1.other.test"},
        without=("frontend.rule",),
        options={"domain": "test"},
    ),
    Row({}, {"rule": "Host:web-1.test"}, without=("frontend.rule",), options={"domain": "test"}),
    Row({}, routed=False, without=("frontend.rule",)),
    Row({"enable": "false"}, routed=False),
    Row({"enable": "true"}, options={"exposed_by_default": False}),
    Row({}, routed=False, options={"exposed_by_default": False}),
    Row({"port": "81"}, server={"port": 81}, container=PORTS),
    Row({}, server={"port": 80}, without=("port",), container={"ports": (80, 8443)}),
    Row({}, routed=False, without=("port",), container={"ports": ()}),
    Row({"protocol": "https"}, server={"scheme": "https"}),
    Row({"protocol": "h2c"}, server={"scheme": "h2c"}),
    Row({}, server={"scheme": "http"}),
    Row({"weight": "10"}, server={"weight": 10}),
    Row({}, server={"weight": 1}),
    Row({"backend": "my_shop"}, {"service": "my-shop@docker"}, {"name": "my-shop@docker"}),
    Row({}, {"service": "web-1@docker"}, {"name": "web-1@docker"}, without=("backend",)),
    Row({"tags": "live, blue,mine"}, options={"constraints": "tag==blue"}),
    Row({"tags": "live,green"}, routed=False, options={"constraints": "tag==blue"}),
    Row({"tags": "us-east"}, options={"constraints": "tag==us-*"}),
    Row({"tags": "us-east"}, routed=False, options={"constraints": "tag!=us-*,tag!=asia-*"}),
    Row({"tags": "eu"}, options={"constraints": "tag!=us-*,tag!=asia-*"}),
    Row({}, routed=False, options={"constraints": "tag==blue"}),
    Row({}, options={"constraints": "tag!=blue"}),
    Row({"frontend.entryPoints": "one,two"}, {"entry_points": ("one", "two")}),
    Row({"frontend.passHostHeader": "false"}, {"pass_host_header": False}),
    Row({}, {"pass_host_header": True}),
    Row({"frontend.priority": "10"}, {"priority": 10}),
    Row({"frontend.priority": "0"}, {"priority": len("Host:shop.test")}),
    Row({"frontend.rule": "Host:a.test;Path:/b"}, {"rule": "Host:a.test;Path:/b", "priority": 19}),
    Row({"frontend.passTLSCert": "true"}, {"middlewares": ()}),
]
