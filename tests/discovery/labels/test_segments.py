"""Traefik 1's segments: several routes of one container, and their common labels."""

from discovery.decoding.decoded import Decoded
from discovery.labels.known_labels import LabelKind, label_kind, split_segment
from discovery.labels.v1 import decode
from discovery.merging.union import unite
from rondpoint.diagnostics import Severity
from tests.discovery.labels.containers import OPTIONS, WITH_DOMAIN, compose, container

SEGMENTS = {
    "traefik.enable": "true",
    "traefik.weight": "3",
    "traefik.frontend.entryPoints": "web",
    "traefik.site.port": "80",
    "traefik.site.frontend.rule": "Host:site.docker",
    "traefik.Admin.port": "81",
    "traefik.Admin.weight": "5",
    "traefik.Admin.protocol": "https",
    "traefik.Admin.frontend.rule": "Host:admin.docker;PathPrefixStrip:/a",
    "traefik.Admin.frontend.priority": "99",
}


def routes(decoded: Decoded) -> dict[str, tuple[str, str]]:
    return {router.name: (router.rule.text, router.service) for router in decoded.routers}


def test_each_segment_has_its_own_router_and_service() -> None:
    decoded = decode(container("shop", SEGMENTS), OPTIONS)
    assert routes(decoded) == {
        "Admin-shop-Admin@docker": ("Host:admin.docker;PathPrefixStrip:/a", "shop-Admin@docker"),
        "site-shop-site@docker": ("Host:site.docker", "shop-site@docker"),
    }
    servers = {service.name: service.servers[0] for service in decoded.services}
    admin, site = servers["shop-Admin@docker"], servers["shop-site@docker"]
    assert (admin.port, admin.weight, admin.scheme) == (81, 5, "https")
    assert (site.port, site.weight, site.scheme) == (80, 3, "http")
    assert [(router.priority, router.entry_points) for router in decoded.routers] == [
        (99, ("web",)),
        (16, ("web",)),
    ]
    assert [middleware.kind for middleware in decoded.middlewares] == ["stripPrefix"]
    assert decoded.diagnostics == ()


def test_a_segment_inherits_the_labels_without_segment() -> None:
    labels = {"traefik.port": "80", "traefik.frontend.rule": "Host:all.docker", "traefik.a.weight": "2"}
    decoded = decode(container("shop", labels), OPTIONS)
    assert routes(decoded) == {"a-shop-a@docker": ("Host:all.docker", "shop-a@docker")}
    assert decoded.services[0].servers[0].weight == 2


def test_names_of_segments_may_have_dots() -> None:
    decoded = decode(
        container("shop", {"traefik.my.own.port": "81", "traefik.my.own.portName": "x"}), WITH_DOMAIN
    )
    assert [service.name for service in decoded.services] == ["shop-my-own@docker"]
    assert [item.message for item in decoded.diagnostics] == ["label traefik.my.own.portName has no effect"]


def test_a_segment_without_a_rule_gets_the_default_rule() -> None:
    decoded = decode(container("shop", {"traefik.a.port": "81"}), WITH_DOMAIN)
    assert [rule for rule, _ in routes(decoded).values()] == ["Host:shop.docker"]


def test_a_segment_may_have_a_domain_of_its_own() -> None:
    labels = {"traefik.a.port": "81", "traefik.a.domain": "example.test", "traefik.b.port": "82"}
    decoded = decode(container("shop", labels), WITH_DOMAIN)
    assert [rule for rule, _ in routes(decoded).values()] == ["Host:shop.example.test", "Host:shop.docker"]
    assert decoded.diagnostics == ()


def test_backends_of_segments_are_named_after_the_service() -> None:
    labels = {**compose(), "traefik.a.port": "81", "traefik.a.backend": "own", "traefik.b.port": "82"}
    decoded = decode(container("shop_webapp_1", labels), WITH_DOMAIN)
    assert [service.name for service in decoded.services] == [
        "webapp-shop-own@docker",
        "webapp-shop-b@docker",
    ]


def test_scaled_containers_share_the_services_of_their_segments() -> None:
    parts = [decode(container(f"shop_webapp_{n}", {**compose(), **SEGMENTS}), OPTIONS) for n in (1, 2)]
    configuration = unite(parts, "docker")
    assert len(configuration.routers) == 2
    assert [len(service.servers) for service in configuration.services.values()] == [2, 2]
    assert configuration.diagnostics == ()


def test_segments_with_one_backend_are_its_servers_by_their_ports() -> None:
    labels = {"traefik.backend": "all", "traefik.a.port": "81", "traefik.b.port": "82"}
    configuration = unite([decode(container("shop", labels), WITH_DOMAIN)], "docker")
    (service,) = configuration.services.values()
    assert [(server.name, server.port) for server in service.servers] == [("shop:81", 81), ("shop:82", 82)]


def test_an_error_in_one_segment_names_its_label_and_affects_no_other_segment() -> None:
    labels = {**SEGMENTS, "traefik.site.frontend.rule": "Hots:site", "traefik.Admin.weight": "many"}
    decoded = decode(container("shop", labels), OPTIONS)
    assert list(routes(decoded)) == ["Admin-shop-Admin@docker"]
    assert [(item.severity, item.message.partition("=")[0]) for item in decoded.diagnostics] == [
        (Severity.ERROR, "label traefik.Admin.weight"),
        (Severity.ERROR, "label traefik.site.frontend.rule"),
    ]


def test_a_name_with_line_ends_is_matched_quickly() -> None:
    """In quadratic time, this name would block the agent for a day."""
    label = "traefik.x" + ".backend.a" * 100_000 + "\n"
    assert label_kind(label) is LabelKind.V1_SEGMENT
    assert split_segment(label) == ("x", label.replace("x.", "", 1))
