"""`PUT`, `PATCH` and `DELETE` of routers, services and middlewares, and `PUT /api/providers/rest`."""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, request

from proxy.admin.change_requests import author, new_proposal_id, submit, to_problem, wait_in_force
from proxy.admin.json_responses import Refusal, json_response
from proxy.admin.preconditions import conditions, tag
from rondpoint.store.admin.document import ADMIN, REST
from rondpoint.store.admin.proposals import Proposal, ProposalResult

changes = Blueprint("changes", __name__, url_prefix="/api")

_OBJECTS = (
    "/<any(http, tcp):protocol>/<any(routers, services, middlewares):kind>/<path:name>",
    "/<any(udp):protocol>/<any(routers, services):kind>/<path:name>",
)
_REST_ALIASES = (REST, "web")


@changes.put(_OBJECTS[0])
@changes.put(_OBJECTS[1])
def put(protocol: str, kind: str, name: str) -> Response:
    """Define or replace an object."""
    return _change("put", protocol, kind, name, _read_body())


@changes.patch(_OBJECTS[0])
@changes.patch(_OBJECTS[1])
def patch(protocol: str, kind: str, name: str) -> Response:
    """Change fields of an existing object with a JSON merge patch (RFC 7396)."""
    return _change("patch", protocol, kind, name, _read_body())


@changes.delete(_OBJECTS[0])
@changes.delete(_OBJECTS[1])
def delete(protocol: str, kind: str, name: str) -> Response:
    """Delete an object."""
    return _change("delete", protocol, kind, name, "")


@changes.put("/providers/<provider>")
def replace(provider: str) -> Response:
    """Replace all objects of the provider `rest`; the body has the form of Traefik 1 or 3."""
    if provider not in _REST_ALIASES:
        raise Refusal(400, "the API can define the objects of the provider rest only")
    preconditions, wait = conditions(request.headers), read_wait()
    result = submit(
        Proposal(
            new_proposal_id(),
            "replace",
            body=_read_body(),
            match=preconditions.match,
            dry_run=_is_dry_run(),
            by=author(),
        )
    )
    return change_response(result, wait, {"provider": REST}, {"ETag": tag(result.version)})


def change_response(
    result: ProposalResult,
    wait: float | None,
    fields: dict[str, Any],
    headers: dict[str, str],
    status: int = 200,
) -> Response:
    """Return the response to a change. Wait up to `wait` seconds until it is in force, unless dry."""
    found = {
        **fields,
        "version": result.version,
        "changed": result.outcome == "done",
        "warnings": [to_problem(diagnostic) for diagnostic in result.diagnostics],
    }
    if wait is not None and not _is_dry_run():
        found["inForce"] = wait_in_force(result, wait)
    return json_response(found, status, headers)


def _change(
    action: Literal["put", "patch", "delete"], protocol: str, kind: str, name: str, body: str
) -> Response:
    name = _unqualified_name(kind, name)
    preconditions, wait = conditions(request.headers), read_wait()
    result = submit(
        Proposal(
            new_proposal_id(),
            action,
            section=kind if protocol == "http" else f"{protocol}/{kind}",
            name=name,
            body=body,
            match=preconditions.match,
            must_exist=preconditions.present,
            must_be_absent=preconditions.absent,
            dry_run=_is_dry_run(),
            by=author(),
        )
    )
    headers = {"ETag": tag(result.object_version)} if result.object_version else {}
    status = 201 if result.created and not _is_dry_run() else 200
    return change_response(result, wait, {"name": f"{name}@{ADMIN}"}, headers, status)


def _unqualified_name(kind: str, name: str) -> str:
    bare, at, provider = name.partition("@")
    if at and provider != ADMIN:
        raise Refusal(
            409, f"{kind.removesuffix('s')} {name} belongs to the provider {provider}: change it there"
        )
    return bare


def _read_body() -> str:
    try:
        return request.get_data().decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the body is not UTF-8: {error}") from None


def _is_dry_run() -> bool:
    return request.args.get("dryRun", "").lower() in ("1", "true")


def read_wait() -> float | None:
    """Return the parameter `wait` in seconds, or None if it is missing. Raises Refusal."""
    given = request.args.get("wait", "")
    if not given:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise Refusal(400, f"wait={given} is not a number of seconds")
    return seconds
