"""The Consul client on a real Consul, with failures."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from discovery.consul import (
    BadResponseError,
    Client,
    ClosedError,
    ConsulError,
    Endpoint,
    NoLeaderError,
    RefusedError,
    Tls,
    UnreachableError,
    endpoint,
)
from discovery.consul.transport import Transport
from tests.lab.consul import Consul
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.waiting import until


def client_of(consul: Consul, token: str = "", **options: Any) -> Client:
    return Client(endpoint(consul.address, token=token, environment={}), **options)


def test_a_service_is_registered_found_and_deregistered(consul: Consul) -> None:
    with client_of(consul) as client:
        client.register(
            {"Name": "web", "ID": "host:web 1:80", "Port": 80, "Tags": ["a=b=c"], "Weights": {"Passing": 3}}
        )
        assert client.services().data["web"] == ["a=b=c"]
        assert [each["ServicePort"] for each in client.service("web")] == [80]
        (node,) = client.nodes().data
        assert client.node(node["Node"])["host:web 1:80"]["Tags"] == ["a=b=c"]
        assert client.node("nobody") == {}
        assert list(client.agent_services()) == ["host:web 1:80"]
        client.deregister("host:web 1:80")
        client.deregister("host:web 1:80")
        assert "web" not in client.services().data


def test_a_blocking_query_waits_for_a_change_and_no_longer(consul: Consul) -> None:
    with client_of(consul, wait=60) as client:
        index = client.services().index
        threading.Timer(0.2, consul.register, ("web", 80)).start()
        answer = client.services(index)
        assert answer.index > index
        assert "web" in answer.data


def test_a_blocking_query_without_a_change_comes_back_with_the_same_index(consul: Consul) -> None:
    with client_of(consul, wait=0.1) as client:
        # A new agent still changes its own entries for a while.
        until(
            lambda: (index := client.failing_checks().index) == client.failing_checks(index).index,
            "a quiet catalogue",
        )


def test_responses_over_loopback_are_not_compressed(consul: Consul) -> None:
    consul.register("web", 80, Tags=["long" * 1000])

    def encoding(host: str) -> str | None:
        transport = Transport(Endpoint(host, consul.http))
        answer = transport.get(lambda found: found, "/v1/catalog/services")
        transport.close()
        assert "long" in answer.body
        found: str | None = answer.headers.get("Content-Encoding")
        return found

    assert encoding("127.0.0.1") is None
    assert encoding("localhost") is None
    # The same Consul, at an address that is no loopback address.
    assert encoding("0.0.0.0") == "gzip"


def test_an_unchanged_entry_of_a_node_stays_the_same_object(consul: Consul) -> None:
    def place(service: str) -> None:
        entry = {"ID": service, "Service": service, "Port": 80}
        consul.put("/v1/catalog/register", {"Node": "n", "Address": "10.0.0.1", "Service": entry})

    with client_of(consul) as client:
        place("web")
        first = client.services_on("n").data
        place("shop")
        second = client.services_on("n", before=first).data
        assert second.entries.keys() == {"web", "shop"}
        assert second.entries["web"] is first.entries["web"]
        assert client.services_on("nobody").data.entries == {}


def test_values_may_be_any_bytes(consul: Consul) -> None:
    large = b"\x00\xff" * (256 * 1024)
    with client_of(consul) as client:
        client.put_key("traefik/large", large)
        client.put_key("traefik/empty", b"")
        assert client.keys_below("traefik/").data == {"traefik/empty": b"", "traefik/large": large}
        assert client.key("traefik/none") is None
        assert consul.request("DELETE", "/v1/kv/traefik/?recurse").ok
        assert client.keys_below("traefik/").data == {}


def test_an_index_that_runs_backwards_resets_to_0(consul: Consul) -> None:
    with client_of(consul, wait=1) as client:
        ahead = client.services().index + 1000
        assert client.services(ahead).index == 0


def test_abort_ends_a_wait_in_another_thread(consul: Consul) -> None:
    client = client_of(consul)
    index = client.keys_below("traefik/").index
    threading.Timer(0.2, client.abort).start()
    with pytest.raises(ClosedError):
        client.keys_below("traefik/", index)
    with pytest.raises(ClosedError):
        client.services()


def test_a_killed_agent_ends_a_wait_and_a_new_one_is_found_again(consul: Consul) -> None:
    with client_of(consul) as client:
        index = client.keys_below("traefik/").index
        killing = threading.Timer(0.2, consul.kill)
        killing.start()
        with pytest.raises(UnreachableError):
            client.keys_below("traefik/", index)
        killing.join()
        with pytest.raises(UnreachableError, match="connection refused"):
            client.services()
        consul.start()
        assert "consul" in client.services().data


def test_the_next_endpoint_is_used_after_a_failed_call(consul: Consul) -> None:
    nobody = endpoint(f"127.0.0.1:{free_port()}", environment={})
    with Client(nobody, endpoint(consul.address, environment={})) as client:
        with pytest.raises(UnreachableError):
            client.services()
        assert "consul" in client.services().data


def test_a_cluster_without_a_leader_has_its_own_error(tmp_path: Path) -> None:
    lonely = Consul(tmp_path, expect=3)
    lonely.start(wait=False)
    try:
        lonely.process.wait_for_port(lonely.http)
        with client_of(lonely) as client:
            for call in (client.services, client.leader):
                with pytest.raises(NoLeaderError):
                    call()
    finally:
        lonely.kill()


CALLS: list[tuple[str, Callable[[Client], object], str]] = [
    ("", lambda client: client.key("traefik/a"), "key:read on 'traefik/a'"),
    ("", lambda client: client.put_key("traefik/a", b""), "key:write on 'traefik/a'"),
    ('key_prefix "other/" { policy = "write" }', lambda client: client.key("traefik/a"), "key:read"),
    ("", lambda client: client.register({"Name": "web"}), "service:write on 'web'"),
]


def test_a_refusal_names_the_permission(tmp_path: Path) -> None:
    with Consul(tmp_path, acl=True) as consul:
        for rules, call, permission in CALLS:
            token = consul.make_token(rules) if rules else ""
            with client_of(consul, token) as client, pytest.raises(RefusedError) as caught:
                call(client)
            assert permission in caught.value.permission
            assert permission in caught.value.hint
        with (
            client_of(consul, "unknown") as client,
            pytest.raises(RefusedError, match="does not know the token"),
        ):
            client.services()


def test_an_unknown_datacentre_is_reported(consul: Consul) -> None:
    with (
        Client(endpoint(consul.address, datacenter="mars", environment={})) as client,
        pytest.raises(BadResponseError, match="'mars'"),
    ):
        client.services()


def test_another_http_server_is_reported_as_not_consul(processes: Processes, tmp_path: Path) -> None:
    port = free_port()
    server = processes(sys.executable, "-m", "http.server", str(port), directory=tmp_path)
    server.wait_for_port(port)
    with (
        Client(endpoint(f"127.0.0.1:{port}", environment={})) as client,
        pytest.raises(BadResponseError, match="not Consul's API"),
    ):
        client.services()


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_tls_trusts_the_given_authority(tmp_path: Path) -> None:
    made = (
        "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=consul "
        "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    )
    subprocess.run(made.split(), cwd=tmp_path, check=True, capture_output=True)
    certificate, port = str(tmp_path / "cert.pem"), free_port()
    settings = {"ports": {"https": port}, "cert_file": certificate, "key_file": str(tmp_path / "key.pem")}
    with Consul(tmp_path, settings=settings):
        trusting = endpoint(f"127.0.0.1:{port}", tls=Tls(ca=certificate), environment={})
        blind = endpoint(f"127.0.0.1:{port}", tls=Tls(insecure_skip_verify=True), environment={})
        for known in (trusting, blind):
            with Client(known) as client:
                index = client.keys_below("traefik/").index
                threading.Timer(0.2, client.abort).start()
                with pytest.raises(ClosedError):
                    client.keys_below("traefik/", index)
        for wrong in (f"https://127.0.0.1:{port}", f"http://127.0.0.1:{port}"):
            with Client(endpoint(wrong, environment={})) as client, pytest.raises(ConsulError) as caught:
                client.services()
            assert isinstance(caught.value, UnreachableError) == wrong.startswith("https")
