"""Routes that the API defines: validation, publication, versions, and rollback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.origin import Origin
from tests.lab.processes import Processes
from tests.lab.store import Store
from tests.lab.waiting import until

JSON = ("Content-Type", "application/json")
WORKERS = 2
NO_DOCKER = "--providers.docker=false"
"""For tests without a provider: another test may have an engine at the default socket."""
USER = "eve:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"


class Api:
    """The API of an installation, with decoded JSON."""

    def __init__(self, running: Installation) -> None:
        self.running = running

    def request(
        self, method: str, path: str, body: Any = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> tuple[int, Any, http.Response]:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        response = http.request(
            self.running.admin,
            "localhost",
            path,
            method=method,
            headers=(JSON, *headers),
            body=data,
            timeout=60,
        )
        return response.status, json.loads(response.body), response

    def wait_for_all_workers(self) -> None:
        """Wait until all workers serve the change that one of them has confirmed."""
        self.running.wait_for_workers(WORKERS)

    def put(self, path: str, body: Any, expected: int = 200) -> Any:
        status, found, _ = self.request("PUT", path, body)
        assert status == expected, found
        return found

    def delete(self, path: str) -> Any:
        status, found, _ = self.request("DELETE", path)
        assert status == 200, found
        return found


@pytest.fixture
def api(processes: Processes, tmp_path: Path) -> Api:
    (tmp_path / "routes.yml").write_text("{}\n")
    found = Api(
        start(
            processes,
            f"--workers={WORKERS}",
            "--providers.rest",
            f"--providers.file.filename={tmp_path}/routes.yml",
            f"--stateDirectory={tmp_path}/state",
        )
    )
    found.wait_for_all_workers()
    return found


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin.named("one") as found:
        yield found


def service(*origins: Origin) -> dict[str, Any]:
    servers = [{"url": f"http://127.0.0.1:{origin.port}"} for origin in origins]
    return {"loadBalancer": {"servers": servers}}


def router(host: str, service: str = "shop", **options: Any) -> dict[str, Any]:
    return {"rule": f"Host(`{host}`)", "service": service, **options}


def test_a_route_is_created_changed_and_deleted(api: Api, origin: Origin) -> None:
    found = api.put("/api/http/services/shop?wait=60", service(origin), 201)
    assert found == {
        "name": "shop@admin",
        "version": 1,
        "changed": True,
        "warnings": [],
        "inForce": True,
    }
    assert api.put("/api/http/routers/shop@admin?wait=60", router("a.test"), 201)["inForce"]
    api.running.wait_for("a.test")
    api.wait_for_all_workers()
    shown = api.running.api("/api/http/routers/shop@admin")
    assert (shown["rule"], shown["service"], shown["status"]) == ("Host(`a.test`)", "shop@admin", "enabled")

    status, found, response = api.request(
        "PATCH", "/api/http/routers/shop?wait=60", {"rule": "Host(`b.test`)"}
    )
    assert (status, found["version"], response.header("ETag")) == (200, 3, '"3"')
    api.running.wait_for("b.test")
    api.wait_for_all_workers()
    assert api.running.request("a.test").status == 404

    # The returned object may be sent back, and changes nothing.
    shown = api.running.api("/api/http/routers/shop@admin")
    assert api.put("/api/http/routers/shop?wait=60", shown)["inForce"]
    assert api.put("/api/http/routers/shop", shown)["changed"] is False

    assert api.delete("/api/http/routers/shop?wait=60")["inForce"]
    assert api.running.wait_for("b.test", status=404)
    assert api.request("DELETE", "/api/http/routers/shop")[0] == 404


def test_a_service_with_a_servers_transport_is_in_force_once_it_contains_it(
    api: Api, origin: Origin, tmp_path: Path
) -> None:
    tree = {"http": {"serversTransports": {"t": {"maxIdleConnsPerHost": 3}}}}
    (tmp_path / "routes.yml").write_text(json.dumps(tree))
    shop = service(origin)
    shop["loadBalancer"]["serversTransport"] = "t@file"
    assert api.put("/api/http/services/shop?wait=60", shop, 201)["inForce"]
    assert api.put("/api/http/routers/shop?wait=60", router("a.test"), 201)["inForce"]
    api.running.wait_for("a.test")
    assert api.running.api("/api/http/services/shop@admin")["loadBalancer"]["serversTransport"] == "t@file"


def test_a_tcp_route_is_created_changed_and_deleted(api: Api, origin: Origin) -> None:
    servers = [{"address": f"127.0.0.1:{origin.port}"}]
    found = api.put("/api/tcp/services/db?wait=60", {"loadBalancer": {"servers": servers}}, 201)
    assert (found["name"], found["inForce"], found["warnings"]) == ("db@admin", True, [])
    guarded = {"rule": "HostSNI(`*`)", "service": "db", "middlewares": ["few"]}
    found = api.put("/api/tcp/routers/db", guarded, 201)
    assert "TCP middleware few@admin does not exist" in found["warnings"][0]["message"]
    api.put("/api/tcp/middlewares/few?wait=60", {"inFlightConn": {"amount": 5}}, 201)
    api.running.wait_for("any.test")
    api.wait_for_all_workers()
    shown = api.running.api("/api/tcp/routers/db@admin")
    assert (shown["status"], shown["middlewares"]) == ("enabled", ["few@admin"])

    # The returned objects may be sent back, and change nothing.
    for path in ("/api/tcp/routers/db", "/api/tcp/services/db", "/api/tcp/middlewares/few"):
        assert api.put(path, api.running.api(f"{path}@admin"))["changed"] in (False, True)
        assert api.put(path, api.running.api(f"{path}@admin"))["changed"] is False
    status, _, response = api.request("GET", "/api/tcp/services/db@admin")
    assert (status, response.header("ETag") is not None) == (200, True)

    status, found, _ = api.request(
        "PATCH", "/api/tcp/services/db?dryRun=1", {"loadBalancer": {"servers": "x"}}
    )
    assert (status, found["errors"][0]["path"]) == (422, "loadBalancer.servers")
    found = api.delete("/api/tcp/services/db?wait=60")
    assert found["warnings"][0]["message"] == "TCP router db@admin refers to it and will be left out"
    assert api.running.wait_for("any.test", status=404)
    assert api.request("DELETE", "/api/tcp/services/db")[0] == 404
    assert api.request("PUT", "/api/udp/middlewares/few", {})[0] in (404, 405)


def test_the_provider_rest_takes_tcp_and_udp(api: Api, origin: Origin) -> None:
    servers = {"loadBalancer": {"servers": [{"address": f"127.0.0.1:{origin.port}"}]}}
    tree = {
        "tcp": {"routers": {"all": {"rule": "HostSNI(`*`)", "service": "db"}}, "services": {"db": servers}},
        "udp": {"services": {"dns": servers}},
    }
    assert api.put("/api/providers/rest?wait=60", tree)["inForce"]
    api.running.wait_for("any.test")
    assert api.running.api("/api/udp/services/dns@rest")["status"] == "enabled"
    assert api.put("/api/providers/rest?wait=60", {})["inForce"]
    api.running.wait_for("any.test", status=404)
    found = api.running.api("/api/history")
    assert found[-1]["objects"] == ["rest/tcp/routers/all", "rest/tcp/services/db", "rest/udp/services/dns"]


def test_errors_name_the_field_and_change_nothing(api: Api) -> None:
    status, found, _ = api.request("PUT", "/api/http/routers/shop", router("a.test", rule="Hots(`a.test`)"))
    assert status == 422
    (error,) = found["errors"]
    assert error["path"] == "rule"
    assert "Hots" in error["message"]
    assert "Host" in error["hint"]
    assert api.request("PUT", "/api/http/routers/shop", b"{")[0] == 400
    assert api.request("PUT", "/api/http/routers/shop", b"\xff")[0] == 400
    assert api.request("PUT", "/api/http/routers/shop@docker", router("a.test"))[0] == 409
    assert api.request("PUT", "/api/http/routers/shop?wait=soon", router("a.test"))[0] == 400
    assert api.running.api("/api/history") == []
    large = (("Content-Length", str(17 << 20)),)
    assert api.request("PUT", "/api/http/routers/shop", b"{", large)[0] == 413
    found = api.put("/api/http/routers/shop?dryRun=true", router("a.test"))
    assert (found["version"], found["changed"]) == (0, True)
    assert [warning["path"] for warning in found["warnings"]] == ["service"]
    assert api.running.api("/api/history") == []


def test_a_router_with_a_missing_service_is_reported_and_served_once_the_service_exists(
    api: Api, origin: Origin
) -> None:
    found = api.put("/api/http/routers/shop?wait=0.5", router("a.test", middlewares=["strip"]), 201)
    assert [(warning["path"], "does not exist" in warning["message"]) for warning in found["warnings"]] == [
        ("service", True),
        ("middlewares", True),
    ]
    assert not found["inForce"]
    until(
        lambda: http.request(api.running.admin, "localhost", "/api/http/routers/shop@admin").status == 200,
        "the disabled router",
    )
    api.wait_for_all_workers()
    assert api.running.api("/api/http/routers/shop@admin")["status"] == "disabled"
    api.put("/api/http/services/shop", service(origin), 201)
    api.put("/api/http/middlewares/strip", {"stripPrefix": {"prefixes": ["/a"]}}, 201)
    api.running.wait_for("a.test", "/a/b")


def test_deleting_an_object_reports_the_routers_that_use_it(api: Api, origin: Origin) -> None:
    api.put("/api/http/services/shop", service(origin), 201)
    api.put("/api/http/middlewares/strip", {"stripPrefix": {"prefixes": ["/a"]}}, 201)
    api.put("/api/http/routers/shop", router("a.test", middlewares=["strip"]), 201)
    api.put("/api/http/routers/other?wait=20", router("b.test"), 201)
    api.running.wait_for("b.test")

    def warnings_of_delete(path: str) -> set[str]:
        return {warning["message"] for warning in api.delete(path)["warnings"]}

    assert warnings_of_delete("/api/http/middlewares/strip?dryRun=true") == {
        "router shop@admin refers to it and will be left out"
    }
    assert warnings_of_delete("/api/http/services/shop") == {
        f"router {name}@admin refers to it and will be left out" for name in ("shop", "other")
    }
    assert warnings_of_delete("/api/http/routers/shop") == set()


def test_conditional_changes_never_overwrite_unseen_versions(api: Api) -> None:
    path = "/api/http/services/shop"
    api.put(path, {"loadBalancer": {"servers": [{"url": "http://10.0.0.1"}]}}, 201)
    until(lambda: http.request(api.running.admin, "localhost", f"{path}@admin").status == 200, "the service")
    api.wait_for_all_workers()
    seen = http.request(api.running.admin, "localhost", f"{path}@admin").header("ETag")
    assert seen == '"1"'
    other = {"loadBalancer": {"servers": [{"url": "http://10.0.0.2"}]}}
    assert api.request("PUT", path, other, (("If-Match", '"7"'),))[0] == 412
    assert api.request("PUT", path, other, (("If-Match", "nonsense"),))[0] == 412
    assert api.request("PUT", path, other, (("If-None-Match", "*"),))[0] == 412
    assert api.request("PUT", path, other, (("If-Match", seen),))[0] == 200
    assert api.request("DELETE", path, None, (("If-Match", seen),))[0] == 412
    assert api.request("DELETE", path, None, (("If-Match", "*"),))[0] == 200
    assert api.request("PUT", path, other, (("If-Match", "*"),))[0] == 412


def test_history_lists_changes_with_their_users_and_can_be_rolled_back(
    processes: Processes, origin: Origin
) -> None:
    api = Api(
        start(processes, "--workers=1", NO_DOCKER, f"--api.basicAuth.users={USER}", "--api.token=s3cret")
    )
    token = (("Authorization", "Bearer s3cret"),)
    until(lambda: api.request("GET", "/api/instances", None, token)[1]["agents"], "an agent")
    eve = (("Authorization", "Basic ZXZlOnRlc3Q="),)
    users = {"basicAuth": {"users": [USER], "realm": "a"}}
    assert api.request("PUT", "/api/http/services/shop", service(origin), token)[0] == 201
    assert api.request("PUT", "/api/http/middlewares/users", users, eve)[0] == 201
    users["basicAuth"] = {"users": [USER, f"x{USER}"], "realm": "b"}
    assert api.request("PUT", "/api/http/middlewares/users", users, eve)[0] == 200

    status, found, response = api.request("GET", "/api/history", None, eve)
    assert (status, response.header("ETag")) == (200, '"3"')
    assert [(item["version"], item["what"], item["by"]["user"]) for item in found] == [
        (3, "PUT middlewares/users", "eve"),
        (2, "PUT middlewares/users", "eve"),
        (1, "PUT services/shop", "token"),
    ]
    assert found[0]["by"]["address"] == "127.0.0.1"
    assert found[0]["objects"] == ["admin/http/middlewares/users"]

    _, found, response = api.request("GET", "/api/history/3", None, eve)
    assert {item["path"]: (item["before"], item["after"]) for item in found["differences"]} == {
        "basicAuth.realm": ("a", "b"),
        "basicAuth.users": ("…", "…"),
    }
    assert "apr1" not in response.text
    _, found, response = api.request("GET", "/api/history/0/diff", None, eve)
    assert [item["object"] for item in found["differences"]] == [
        "admin/http/middlewares/users",
        "admin/http/services/shop",
    ]
    assert "apr1" not in response.text
    _, found, _ = api.request("GET", "/api/history/1/diff?to=2", None, eve)
    assert [item["object"] for item in found["differences"]] == ["admin/http/middlewares/users"]

    assert api.request("POST", "/api/history/1/rollback", {}, (*eve, ("If-Match", '"2"')))[0] == 412
    status, found, _ = api.request("POST", "/api/history/1/rollback?wait=60", {}, eve)
    assert (status, found["restored"], found["version"], found["inForce"]) == (200, 1, 4, True)
    assert api.request("GET", "/api/http/middlewares/users@admin", None, eve)[0] == 404
    _, found, _ = api.request("GET", "/api/history", None, eve)
    assert found[0]["what"] == "rollback to 1"
    _, found, _ = api.request("GET", "/api/history/1/diff", None, eve)
    assert found == {"from": 1, "to": 4, "differences": []}
    for path in ("/api/history/9", "/api/history/9/diff"):
        assert api.request("GET", path, None, eve)[0] == 404
    assert api.request("POST", "/api/history/9/rollback", {}, eve)[0] == 404
    assert api.request("GET", "/api/history/1/diff?to=x", None, eve)[0] == 400


def test_a_whole_provider_is_replaced_in_either_dialect(api: Api, origin: Origin) -> None:
    definitions = {
        "frontends": {"f": {"backend": "b", "routes": {"r": {"rule": "Host:one.test;PathPrefixStrip:/p"}}}},
        "backends": {"b": {"servers": {"s": {"url": f"http://127.0.0.1:{origin.port}"}}}},
    }
    found = api.put("/api/providers/web?wait=60", definitions)
    assert (found["provider"], found["changed"], found["inForce"]) == ("rest", True, True)
    api.running.wait_for("one.test", "/p/x")
    api.wait_for_all_workers()
    assert set(api.running.api("/api/providers/rest")) == {"frontends", "backends"}
    assert api.running.api("/api/http/routers/f@rest")["provider"] == "rest"
    assert api.put("/api/providers/rest", definitions)["changed"] is False

    broken = {"http": {"routers": {"r": {"rule": "x", "service": "s"}}}}
    status, found, _ = api.request("PUT", "/api/providers/rest", broken)
    assert (status, found["errors"][0]["path"]) == (422, "http.routers.r.rule")
    api.running.wait_for("one.test", "/p/x")

    other = {"http": {"routers": {"r": router("two.test", "s")}, "services": {"s": service(origin)}}}
    assert api.put("/api/providers/rest?wait=60", other)["inForce"]
    api.running.wait_for("two.test")
    api.wait_for_all_workers()
    assert api.running.request("one.test", "/p/x").status == 404
    assert api.request("PUT", "/api/providers/docker", other)[0] == 400
    assert api.put("/api/providers/rest?wait=60", {})["inForce"]
    api.running.wait_for("two.test", status=404)


def test_the_provider_rest_must_be_enabled(processes: Processes) -> None:
    api = Api(start(processes, "--workers=1", NO_DOCKER))
    status, found, _ = api.request("PUT", "/api/providers/rest", {})
    assert (status, "providers.rest" in found["message"]) == (404, True)


def test_definitions_survive_the_loss_of_store_and_agent(
    processes: Processes, store: Store, origin: Origin, tmp_path: Path
) -> None:
    flags = (f"--redis.url={store.url}", f"--stateDirectory={tmp_path}/state", "--workers=1", NO_DOCKER)
    first = start(processes, *flags)
    first.wait_for_agent()
    api = Api(first)
    api.put("/api/http/services/shop", service(origin), 201)
    api.put("/api/http/routers/shop?wait=60", router("a.test"), 201)
    first.wait_for("a.test")

    # The agent has the definitions in memory,
    store.restart()
    until(lambda: stored_version(store) == b"2", "the definitions in the store again")
    assert first.request("a.test").status == 200
    # and in a private file for the next agent.
    assert first.process.stop() == 0
    store.restart()
    backup = next((tmp_path / "state").glob("admin-*.json"))
    assert backup.stat().st_mode & 0o077 == 0
    start(processes, *flags).wait_for("a.test")


def stored_version(store: Store) -> Any:
    with store.client() as client:
        return client.hget("{rondpoint:default}:admin", "version")


def test_without_an_agent_changes_are_refused_and_never_applied_later(
    processes: Processes, store: Store, tmp_path: Path
) -> None:
    flags = (f"--redis.url={store.url}", f"--stateDirectory={tmp_path}")
    api = Api(start(processes, "--workers=1", *flags, command=("proxy",)))
    status, found, _ = api.request("PUT", "/api/http/services/shop", {"loadBalancer": {"servers": []}})
    assert (status, "rondpoint agent" in found["message"]) == (503, True)
    with store.client() as client:
        assert not client.exists("{rondpoint:default}:admin:proposals")
    store.kill()
    status, found, _ = api.request("PUT", "/api/http/services/shop", {})
    assert (status, "store" in found["message"]) == (503, True)
