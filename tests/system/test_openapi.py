"""The API does what its OpenAPI document says, whatever is asked: requests made up by schemathesis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from proxy.admin import create_app
from proxy.admin.openapi.document import OPERATIONS, document
from tests.lab import http
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes

ROUTES = """
http:
  routers:
    shop: {rule: "Host(`shop.test`)", service: shop, middlewares: [users]}
    lost: {rule: "Host(`lost.test`)", service: nowhere}
  services:
    shop: {loadBalancer: {servers: [{url: "http://127.0.0.1:1"}], healthCheck: {path: /}}}
  middlewares:
    users: {basicAuth: {users: ["eve:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]}}
backends: {b: {servers: {s: {url: "http://127.0.0.1:1"}}}}
frontends: {f: {backend: b, routes: {r: {rule: "Host:f.test"}}}}
"""

EXAMPLES = 5
"""Requests made up for each operation."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

NOT_IN_IT = {
    "/",
    "/dashboard/",
    "/dashboard/events",
    "/dashboard/explain",
    "/dashboard/openapi.json",
    "/dashboard/part/{name}",
    "/dashboard/password",
    "/dashboard/sign-in",
    "/dashboard/sign-out",
    "/dashboard/static/{filename}",
}
"""For people."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory: Path = tmp_path_factory.mktemp("routes")
    (directory / "routes.yml").write_text(ROUTES)
    processes = Processes()
    flags = (f"--providers.file.filename={directory}/routes.yml", "--providers.rest", "--workers=1")
    found = start(processes, *flags)
    found.wait_for("f.test", status=502)
    yield found
    log = found.process.log
    processes.stop()
    assert "Traceback" not in log, log


schema = schemathesis.openapi.from_dict(document())


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_answers_are_those_of_the_document(case: schemathesis.Case, running: Installation) -> None:
    response = case.call(base_url=f"http://127.0.0.1:{running.admin}")
    case.validate_response(response, checks=CHECKS)


KNOWN = [
    "/api/http/routers/shop@file",
    "/api/http/routers/lost@file",
    "/api/http/services/shop@file",
    "/api/http/middlewares/users@file",
    "/api/entrypoints/web",
    "/api/providers/file",
    "/api/providers/file/frontends/f",
    "/api/providers/file/frontends/f/routes/route-f",
    "/api/providers/file/backends/b",
    "/api/providers/file/backends/b/servers/s",
    "/api/explain?url=http://shop.test/&header=A:%20b",
    "/api/history/1",
    "/api/history/0/diff",
    "/api/instances",
    "/api/diagnostics?unrouted=true",
]


def test_what_is_there_is_shaped_as_the_document_says(running: Installation) -> None:
    body = b'{"loadBalancer": {"servers": [{"url": "http://127.0.0.1:1"}]}}'
    json_type = (("Content-Type", "application/json"),)
    done = http.request(
        running.admin, "localhost", "/api/http/services/own", method="PUT", headers=json_type, body=body
    )
    assert done.status in (200, 201)
    for path in KNOWN:
        bare, _, query = path.partition("?")
        operation = schema.find_operation_by_path("GET", bare)
        assert operation is not None, path
        case = operation.Case(
            path_parameters=dict(
                zip(
                    (part[1:-1] for part in operation.path.split("/") if part.startswith("{")),
                    (
                        part
                        for part, named in zip(bare.split("/"), operation.path.split("/"), strict=True)
                        if named.startswith("{")
                    ),
                    strict=True,
                )
            ),
            query=dict(pair.split("=", 1) for pair in query.split("&") if pair),
        )
        response = case.call(base_url=f"http://127.0.0.1:{running.admin}")
        assert response.status_code == 200, (path, response.text)
        case.validate_response(response, checks=CHECKS)


def test_the_document_has_every_path_and_no_other() -> None:
    described = {(operation.path, operation.method.upper()) for operation in OPERATIONS}
    served = set()
    for rule in create_app().url_map.iter_rules():
        path = str(rule)
        for name, converter in rule._converters.items():
            path = path.replace(f"<{name}>", f"{{{name}}}").replace(f"<path:{name}>", f"{{{name}}}")
            path = path.replace(f"<int:{name}>", f"{{{name}}}")
            assert converter
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if path not in NOT_IN_IT:
                served.add((path, method))
    expanded = set()
    for path, method in served:
        kinds = ("routers", "services", "middlewares")
        if path == "/api/<any(tcp, udp):protocol>/<any(routers, services, middlewares):kind>":
            expanded |= {(f"/api/tcp/{kind}", method) for kind in kinds}
            expanded |= {(f"/api/udp/{kind}", method) for kind in kinds[:2]}
        elif path.startswith("/api/<any(tcp, udp)"):
            # One of them is never found.
            continue
        elif "<any(routers, services, middlewares):kind>" in path:
            expanded |= {
                (path.replace("<any(routers, services, middlewares):kind>", kind), method) for kind in kinds
            }
        else:
            expanded.add((path, method))
    assert expanded == described


def test_the_document_is_served(running: Installation) -> None:
    assert running.api("/api/openapi.json") == json.loads(json.dumps(document()))
