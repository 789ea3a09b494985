"""`PUT`, `PATCH` and `DELETE` of routers, services and middlewares, and `PUT /api/providers/rest`."""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, request

from proxy.admin.change_requests import author, identity, problem, submit, wait_in_force
from proxy.admin.json_responses import Refusal, answer
from proxy.admin.preconditions import conditions, tag
from rondpoint.store.admin.document import ADMIN, REST
from rondpoint.store.admin.proposals import Proposal, Verdict

changes = Blueprint("changes", __name__, url_prefix="/api")

_KINDS = "<any(routers, services, middlewares):kind>"
_REST_ALIASES = (REST, "web")


@changes.put(f"/http/{_KINDS}/<path:name>")
def put(kind: str, name: str) -> Response:
    """Define an object, or define it anew."""
    return _change("put", kind, name, _body())


@changes.patch(f"/http/{_KINDS}/<path:name>")
def patch(kind: str, name: str) -> Response:
    """Change some fields of an object that is there: a JSON merge patch (RFC 7396)."""
    return _change("patch", kind, name, _body())


@changes.delete(f"/http/{_KINDS}/<path:name>")
def delete(kind: str, name: str) -> Response:
    """Take an object out."""
    return _change("delete", kind, name, "")


@changes.put("/providers/<provider>")
def replace(provider: str) -> Response:
    """Define all that the provider `rest` has, in the shape of Traefik 1 or 3."""
    if provider not in _REST_ALIASES:
        raise Refusal(400, "only the provider rest can be fed through the API")
    asked, wait = conditions(request.headers), waiting()
    verdict = submit(
        Proposal(identity(), "replace", body=_body(), match=asked.match, dry=_dry(), by=author())
    )
    return told(verdict, wait, {"provider": REST}, {"ETag": tag(verdict.version)})


def told(
    verdict: Verdict, wait: float | None, about: dict[str, Any], headers: dict[str, str], status: int = 200
) -> Response:
    """The answer to a change that was done, or would be; `wait` seconds at most, until it is in force."""
    found = {
        **about,
        "version": verdict.version,
        "changed": verdict.outcome == "done",
        "warnings": [problem(finding) for finding in verdict.findings],
    }
    if wait is not None and not _dry():
        found["inForce"] = wait_in_force(verdict, wait)
    return answer(found, status, headers)


def _change(action: Literal["put", "patch", "delete"], kind: str, name: str, body: str) -> Response:
    name = _own_name(kind, name)
    asked, wait = conditions(request.headers), waiting()
    verdict = submit(
        Proposal(
            identity(),
            action,
            section=kind,
            name=name,
            body=body,
            match=asked.match,
            present=asked.present,
            absent=asked.absent,
            dry=_dry(),
            by=author(),
        )
    )
    headers = {"ETag": tag(verdict.object_version)} if verdict.object_version else {}
    status = 201 if verdict.created and not _dry() else 200
    return told(verdict, wait, {"name": f"{name}@{ADMIN}"}, headers, status)


def _own_name(kind: str, name: str) -> str:
    bare, at, provider = name.partition("@")
    if at and provider != ADMIN:
        raise Refusal(409, f"{kind.removesuffix('s')} {name} is the provider {provider}'s: change it there")
    return bare


def _body() -> str:
    try:
        return request.get_data().decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, f"the body is not UTF-8: {error}") from None


def _dry() -> bool:
    return request.args.get("dryRun", "").lower() in ("1", "true")


def waiting() -> float | None:
    """The seconds to wait for a change to be in force; None for not at all. Raises Refusal."""
    given = request.args.get("wait", "")
    if not given:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise Refusal(400, f"wait={given} is no number of seconds")
    return seconds
