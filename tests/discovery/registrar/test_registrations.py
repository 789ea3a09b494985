"""Containers are registered with the same services as Registrator's."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.registrar.keys import split_tags
from discovery.registrar.registration import Options, Registration
from discovery.registrar.registrations import ContainerServices, image_name, registrations
from discovery.registrar.workload import workload

OUTSIDE = Options(hostname="box", host_address="192.0.2.7")
INSIDE = Options(hostname="box", host_address="192.0.2.7", internal=True)
PUBLISHED = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"}]}
TWO = {**PUBLISHED, "53/udp": [{"HostIp": "192.0.2.9", "HostPort": "5300"}]}


def description(
    *env: str,
    labels: Mapping[str, str] | None = None,
    ports: Mapping[str, Any] | None = None,
    mode: str = "bridge",
    networks: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    published = PUBLISHED if ports is None else ports
    return {
        "Name": "/web_1",
        "Config": {
            "Image": "osones/helloworld:1",
            "Env": list(env),
            "Labels": labels,
            "ExposedPorts": {key: {} for key in published},
        },
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {
            "IPAddress": "172.17.0.3" if mode == "bridge" else "",
            "Ports": published if mode == "bridge" else {},
            "Networks": networks,
        },
    }


def read(*env: str, options: Options = OUTSIDE, **more: Any) -> ContainerServices:
    return registrations(workload(description(*env, **more)), options)


def only(*env: str, **more: Any) -> Registration:
    found = read(*env, **more)
    assert found.diagnostics == ()
    (registration,) = found.registrations
    return registration


def test_a_published_port_is_registered_at_the_host() -> None:
    assert only() == Registration("box:web_1:80", "helloworld", "192.0.2.7", 32768)


def test_internal_registers_exposed_ports_at_the_containers_own_address() -> None:
    found = only(options=INSIDE, ports={"80/tcp": None})
    assert found == Registration("box:web_1:80", "helloworld", "172.17.0.3", 80)


def test_the_second_scene_of_the_article() -> None:
    written = "traefik.backend=hello2,traefik.frontend.rule=Host:hello2.osones.com"
    found = only(labels={"SERVICE_TAGS": written}, options=INSIDE)
    assert (found.name, found.tags) == ("helloworld", tuple(written.split(",")))


def test_an_unpublished_port_is_registered_only_internally() -> None:
    assert read(ports={"80/tcp": None}).registrations == ()


def test_in_the_hosts_network_exposed_ports_are_registered_at_the_host() -> None:
    assert only(mode="host") == Registration("box:web_1:80", "helloworld", "192.0.2.7", 80)


def test_the_address_in_a_user_defined_network() -> None:
    found = only(options=INSIDE, mode="back", networks={"back": {"IPAddress": "172.20.0.2"}})
    assert found.address == "172.20.0.2"


def test_a_container_in_a_shared_network_has_its_owners_address() -> None:
    network_owner = description()
    found = registrations(workload(description(mode="container:abc"), network_owner), OUTSIDE).registrations
    assert [(each.address, each.port) for each in found] == [("172.17.0.3", 80)]


def test_several_ports_get_suffixed_names_and_udp_ones_a_tag() -> None:
    found = read(ports=TWO).registrations
    assert [(each.id, each.name, each.address, each.tags) for each in found] == [
        ("box:web_1:53:udp", "helloworld-53", "192.0.2.9", ("udp",)),
        ("box:web_1:80", "helloworld-80", "192.0.2.7", ()),
    ]


def test_a_name_for_a_port_gets_no_suffix() -> None:
    found = read("SERVICE_NAME=all", "SERVICE_80_NAME=web", ports=TWO).registrations
    assert [each.name for each in found] == ["all-53", "web"]


def test_a_single_port_can_be_ignored() -> None:
    found = read("SERVICE_53_IGNORE=yes", ports=TWO).registrations
    assert [each.name for each in found] == ["helloworld-80"]


PRECEDENCE = {
    "the environment": (["SERVICE_NAME=env"], {}, "env"),
    "labels beat the environment": (["SERVICE_NAME=env"], {"SERVICE_NAME": "label"}, "label"),
    "the port beats labels": (["SERVICE_80_NAME=env80"], {"SERVICE_NAME": "label"}, "env80"),
    "labels of the port beat all": (["SERVICE_80_NAME=env80"], {"SERVICE_80_NAME": "label80"}, "label80"),
    "another port is not meant": (["SERVICE_81_NAME=other"], {}, "helloworld"),
    "no number is too long": ([f"SERVICE_{'9' * 5000}_NAME=other"], {}, "helloworld"),
    "an empty name is none": (["SERVICE_NAME="], {}, "helloworld"),
}


@pytest.mark.parametrize(("env", "labels", "name"), PRECEDENCE.values(), ids=PRECEDENCE)
def test_precedence(env: list[str], labels: dict[str, str], name: str) -> None:
    assert only(*env, labels=labels).name == name


OPTIONS = {
    "ip": ({"ip": "198.51.100.1"}, "198.51.100.1"),
    "ip of a label, with its mask": ({"ip_label": "net.ip"}, "10.9.8.7"),
    "internal does not heed ip": ({"ip": "198.51.100.1", "internal": True}, "172.17.0.3"),
}


@pytest.mark.parametrize(("options", "address"), OPTIONS.values(), ids=OPTIONS)
def test_addresses(options: dict[str, Any], address: str) -> None:
    chosen = Options(hostname="box", host_address="192.0.2.7", **options)
    assert only(labels={"net.ip": "10.9.8.7/24"}, options=chosen).address == address


def test_explicit_registers_only_ports_with_a_name() -> None:
    explicit = Options(hostname="box", explicit=True)
    assert read(options=explicit).registrations == ()
    assert read("SERVICE_NAME=web", options=explicit).registrations[0].name == "web"


def test_other_keys_are_attributes_and_the_id_can_be_set() -> None:
    found = only("SERVICE_ID=mine", "SERVICE_Region=eu", "SERVICE_TAGS=a", "PATH=/bin")
    assert (found.id, found.meta) == ("mine", {"region": "eu", "registrator": "box"})


def test_the_registrars_tags_come_after_the_containers() -> None:
    options = Options(hostname="box", tags=("all",))
    assert only("SERVICE_TAGS=a,b", options=options).tags == ("a", "b", "all")


CHECKS = {
    "http": ("HTTP=/health", {"HTTP": "http://192.0.2.7:32768/health", "Interval": "10s"}),
    "https": ("HTTPS=up", {"HTTP": "https://192.0.2.7:32768/up", "Interval": "10s"}),
    "tcp": ("TCP=true", {"TCP": "192.0.2.7:32768", "Interval": "10s"}),
    "ttl": ("TTL=30s", {"TTL": "30s"}),
    "grpc": ("GRPC=1", {"GRPC": "192.0.2.7:32768", "Interval": "10s"}),
}


@pytest.mark.parametrize(("written", "check"), CHECKS.values(), ids=CHECKS)
def test_checks(written: str, check: dict[str, Any]) -> None:
    assert only(f"SERVICE_CHECK_{written}").check == check


def test_all_options_of_a_check() -> None:
    env = ("HTTP=/", "INTERVAL=1m30s", "TIMEOUT=2s", "INITIAL_STATUS=passing", "DEREGISTER_AFTER=10m")
    found = only(*(f"SERVICE_CHECK_{each}" for each in (*env, "HTTP_METHOD=HEAD")))
    assert found.check == {
        "HTTP": "http://192.0.2.7:32768/",
        "Method": "HEAD",
        "Interval": "1m30s",
        "Timeout": "2s",
        "Status": "passing",
        "DeregisterCriticalServiceAfter": "10m",
    }


WRONG = {
    "script": (["SERVICE_CHECK_SCRIPT=curl $SERVICE_IP"], "commands are not run"),
    "interval": (["SERVICE_CHECK_TCP=1", "SERVICE_CHECK_INTERVAL=soon"], "SERVICE_CHECK_INTERVAL=soon"),
    "status": (["SERVICE_CHECK_TCP=1", "SERVICE_CHECK_INITIAL_STATUS=fine"], "fine is not a status"),
    "meta key": (["SERVICE_a.b=1"], "SERVICE_A.B is not a valid Consul key"),
    "meta value": ([f"SERVICE_LONG={'x' * 513}"], "SERVICE_LONG is longer"),
}


@pytest.mark.parametrize(("env", "message"), WRONG.values(), ids=WRONG)
def test_an_invalid_key_is_reported_and_the_service_is_registered(env: list[str], message: str) -> None:
    found = read(*env)
    assert len(found.registrations) == 1
    (diagnostic,) = found.diagnostics
    assert message in diagnostic.message
    assert diagnostic.subject == "container web_1"
    assert diagnostic.hint


@pytest.mark.parametrize(
    ("kind", "key", "name", "least"),
    [
        ("TCP=1", "INTERVAL", "Interval", "1s"),
        ("TCP=1", "TIMEOUT", "Timeout", "10ms"),
        ("TTL=1ns", "TTL", "TTL", "1s"),
        ("TCP=1", "DEREGISTER_AFTER", "DeregisterCriticalServiceAfter", "1m"),
    ],
)
def test_too_short_a_duration_is_reported_and_raised_to_the_minimum(
    kind: str, key: str, name: str, least: str
) -> None:
    found = read(f"SERVICE_CHECK_{kind}", f"SERVICE_CHECK_{key}=1ns")
    (made,) = found.registrations
    assert made.check is not None
    assert made.check[name] == least
    (diagnostic,) = found.diagnostics
    assert f"SERVICE_CHECK_{key}=1ns is too short" in diagnostic.message
    assert least in diagnostic.hint
    enough = read(f"SERVICE_CHECK_{kind}", f"SERVICE_CHECK_{key}=+{least}")
    assert (enough.diagnostics, enough.registrations[0].check) == ((), {**made.check, name: f"+{least}"})


def test_one_id_for_two_ports_is_reported() -> None:
    found = read("SERVICE_ID=mine", ports=TWO)
    assert [each.id for each in found.registrations] == ["mine"]
    assert "several ports" in found.diagnostics[0].message


@pytest.mark.parametrize(
    "image", ["helloworld", "osones/helloworld:1", "r:5000/o/helloworld", "o/helloworld:1@sha256:ab"]
)
def test_the_images_base_name(image: str) -> None:
    assert image_name(image) == "helloworld"


@given(st.lists(st.text(st.characters(exclude_characters="\\"), min_size=1)))
def test_escaped_tags_are_split_into_the_original_ones(written: list[str]) -> None:
    assert split_tags(",".join(each.replace(",", "\\,") for each in written)) == tuple(written)
