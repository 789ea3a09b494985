"""The validation of proposals."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from discovery.admin.merge_patch import merge_patch
from discovery.admin.stored_fields import join_tree, split_tree
from discovery.admin.validation import (
    EntryPointNames,
    ValidationResult,
    changed_objects,
    differences,
    validate,
)
from rondpoint.store.admin.document import Document, StoredObject, split_field
from rondpoint.store.admin.history import Difference, HistoryEntry
from rondpoint.store.admin.proposals import Proposal

POINTS = EntryPointNames(("web", "secure"), ("dns",))
ROUTER = {"rule": "Host(`shop.test`)", "service": "shop"}
SERVICE = {"loadBalancer": {"servers": [{"url": "http://10.0.0.1:80"}]}}

TCP_ROUTER = {"rule": "HostSNI(`db.test`)", "service": "db", "tls": {"passthrough": True}}
TCP_SERVICE = {"loadBalancer": {"servers": [{"address": "10.0.0.1:5432"}]}}
UDP_ROUTER = {"service": "dns", "entryPoints": ["dns"]}
UDP_SERVICE = {"loadBalancer": {"servers": [{"address": "10.0.0.1:53"}]}}


def document(version: int = 0, **objects: Any) -> Document:
    """Return a document of objects of the provider `admin`, given by `KIND__NAME`."""
    fields = {f"admin/http/{name.replace('__', '/')}": value for name, value in objects.items()}
    return stored(version, fields)


def stored(version: int, fields: dict[str, Any]) -> Document:
    return Document(
        version, {field: msgspec.json.encode(StoredObject(version, value)) for field, value in fields.items()}
    )


def validated(
    action: Any, body: Any = None, before: Document | None = None, **options: Any
) -> ValidationResult:
    options = {"section": "routers", "name": "shop", **options}
    text = body if isinstance(body, str) else json.dumps(body)
    proposal = Proposal("1", action, body="" if body is None else text, **options)
    return validate(proposal, before or document(), options.pop("history", ()), POINTS)


def test_a_put_creates_an_object() -> None:
    found = validated("put", ROUTER)
    assert (found.outcome, found.created, found.diagnostics) == ("done", True, ())
    assert found.values == {"admin/http/routers/shop": ROUTER}
    assert list(changed_objects(found, document())) == ["routers"]
    assert differences(found, document()) == {"admin/http/routers/shop": Difference(None, ROUTER)}


def test_putting_the_same_value_changes_nothing() -> None:
    found = validated("put", ROUTER, document(3, routers__shop=ROUTER))
    assert (found.outcome, found.values) == ("unchanged", {})


def test_fields_that_the_api_adds_may_be_sent_back() -> None:
    shown = {**ROUTER, "name": "shop@admin", "provider": "admin", "status": "enabled", "using": ["web"]}
    assert validated("put", shown).values == {"admin/http/routers/shop": ROUTER}
    shown = {**SERVICE, "type": "loadbalancer", "serverStatus": {}, "usedBy": [], "servers": []}
    assert validated("put", shown, section="services").values == {"admin/http/services/shop": SERVICE}


# section, body → path and part of the error's message
INVALID: list[tuple[str, Any, str, str]] = [
    ("routers", {**ROUTER, "rule": "Hots(`x`)"}, "rule", "Hots"),
    ("routers", {"service": "shop"}, "", "has no rule"),
    ("routers", {**ROUTER, "service": ""}, "service", "is not valid"),
    ("routers", {**ROUTER, "parentRefs": []}, "parentRefs", "names no router"),
    (
        "routers",
        {**ROUTER, "parentRefs": ["api"], "entryPoints": ["web"]},
        "entryPoints",
        "is an option of its parent routers",
    ),
    ("routers", {**ROUTER, "priority": "high"}, "priority", "is not valid"),
    ("routers", {**ROUTER, "entrypoint": ["web"]}, "entrypoint", "is unknown"),
    ("routers", {**ROUTER, "entryPoints": ["web", "other"]}, "entryPoints", "'other' does not exist"),
    ("routers", {**ROUTER, "middlewares": 7}, "middlewares", "is not valid"),
    ("services", {}, "", "has no servers"),
    (
        "services",
        {"loadBalancer": {"servers": [{"url": "http://a"}, {"url": "x"}]}},
        "loadBalancer.servers[1].url",
        "is not valid",
    ),
    (
        "services",
        {"loadBalancer": {"servers": [{"ulr": "http://a"}]}},
        "loadBalancer.servers[0].ulr",
        "is unknown",
    ),
    ("services", {"loadBalancer": {"servers": [{}]}}, "loadBalancer.servers[0]", "has no url"),
    ("middlewares", {}, "", "must have exactly one kind"),
    ("middlewares", {"stripPrefixx": {}}, "stripPrefixx", "is an unknown kind"),
    ("middlewares", {"stripPrefix": {"prefixes": []}}, "stripPrefix.prefixes", "is not valid"),
    ("middlewares", {"addPrefix": {}}, "addPrefix.prefix", "is missing"),
    ("middlewares", {"basicAuth": {"users": "…"}}, "basicAuth.users", "is a placeholder for a secret"),
]


@pytest.mark.parametrize(("section", "body", "path", "words"), INVALID)
def test_an_error_names_the_field_it_is_about(section: str, body: Any, path: str, words: str) -> None:
    found = validated("put", body, section=section)
    assert found.outcome == "invalid"
    errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.error]
    assert path in [diagnostic.path for diagnostic in errors], errors
    assert any(words in diagnostic.message for diagnostic in errors), errors
    assert all("http." not in diagnostic.message for diagnostic in errors), errors


def test_a_hint_names_the_right_field() -> None:
    (diagnostic,) = validated("put", {**ROUTER, "entrypoint": ["web"]}).diagnostics
    assert "entryPoints" in diagnostic.hint


@pytest.mark.parametrize("body", ["", "{", "[]", "7", "null", '"x"', "{" * 200, "[" * 100_000])
def test_a_body_that_is_no_json_object_is_unreadable(body: str) -> None:
    proposal = Proposal("1", "put", "routers", "shop", body)
    assert validate(proposal, document(), (), POINTS).outcome == "unreadable"


@pytest.mark.parametrize("name", ["", "a@b", "a\nb", "x" * 256])
def test_invalid_names_are_refused(name: str) -> None:
    assert validated("put", ROUTER, name=name).outcome == "invalid"


def test_names_may_contain_dots_and_slashes() -> None:
    for name in ("a.b", "a/b", "a b", "é"):
        found = validated("put", {**ROUTER, "rule": "x"}, name=name)
        assert [diagnostic.path for diagnostic in found.diagnostics] == ["rule"]
        (field,) = validated("put", ROUTER, name=name).values
        assert split_field(field) == ("admin", "http/routers", name)


def test_a_patch_changes_only_the_fields_that_it_names() -> None:
    before = document(1, routers__shop={**ROUTER, "priority": 5, "middlewares": ["a"]})
    found = validated("patch", {"priority": 7, "middlewares": None}, before)
    assert found.values == {"admin/http/routers/shop": {**ROUTER, "priority": 7}}
    assert validated("patch", {"priority": 7}).outcome == "missing"
    assert validated("patch", {"rule": "x"}, before).outcome == "invalid"


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "foo"}, None, None),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_is_that_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_a_deletion_removes_the_object() -> None:
    before = document(1, routers__shop=ROUTER)
    found = validated("delete", None, before)
    assert (found.outcome, found.values) == ("done", {"admin/http/routers/shop": None})
    assert changed_objects(found, before) == {"routers": {"shop@admin": None}}
    assert validated("delete", None).outcome == "missing"


@pytest.mark.parametrize(
    ("options", "there", "outcome"),
    [
        ({"match": (4,)}, True, "done"),
        ({"match": (3, 4)}, True, "done"),
        ({"match": (3,)}, True, "conflict"),
        ({"match": ()}, True, "conflict"),
        ({"match": (4,)}, False, "conflict"),
        ({"must_exist": True}, True, "done"),
        ({"must_exist": True}, False, "conflict"),
        ({"must_be_absent": True}, True, "conflict"),
        ({"must_be_absent": True}, False, "done"),
    ],
)
def test_a_change_can_have_preconditions(options: Any, there: bool, outcome: str) -> None:
    before = document(4, **({"routers__shop": {**ROUTER, "priority": 1}} if there else {}))
    assert validated("put", ROUTER, before, **options).outcome == outcome


WHOLE = {
    "frontends": {"f": {"backend": "b", "routes": {"r": {"rule": "Host:f.test"}}}},
    "backends": {"b": {"servers": {"s": {"url": "http://10.0.0.1:80"}}}},
}
WHOLE_3 = {"http": {"routers": {"r": {**ROUTER, "service": "s"}}, "services": {"s": SERVICE}}}


WHOLE_4 = {
    "tcp": {
        "routers": {"r": TCP_ROUTER},
        "services": {"db": TCP_SERVICE},
        "middlewares": {"few": {"inFlightConn": {"amount": 3}}},
        "serversTransports": {"t": {"dialTimeout": "3s"}},
    },
    "udp": {"routers": {"r": UDP_ROUTER}, "services": {"dns": UDP_SERVICE}},
}


def test_objects_of_tcp_and_udp_are_defined_beside_those_of_http() -> None:
    before = document(1, routers__shop=ROUTER)
    for section, value, kind in (
        ("tcp/routers", TCP_ROUTER, "tcp_routers"),
        ("tcp/services", TCP_SERVICE, "tcp_services"),
        ("tcp/middlewares", {"inFlightConn": {"amount": 3}}, "tcp_middlewares"),
        ("udp/routers", UDP_ROUTER, "udp_routers"),
        ("udp/services", UDP_SERVICE, "udp_services"),
    ):
        found = validated("put", value, before, section=section)
        assert (found.outcome, found.created, found.diagnostics) == ("done", True, ())
        assert found.values == {f"admin/{section}/shop": value}
        assert {name: list(names) for name, names in changed_objects(found, before).items()} == {
            kind: ["shop@admin"]
        }
        again = stored(2, dict(found.values))
        assert validated("put", value, again, section=section).outcome == "unchanged"
        assert validated("delete", None, again, section=section).values == {f"admin/{section}/shop": None}


def test_fields_that_the_api_adds_to_tcp_and_udp_may_be_sent_back() -> None:
    shown = {**TCP_ROUTER, "name": "shop@admin", "priorityStr": "17", "using": ["web"], "status": "enabled"}
    assert validated("put", shown, section="tcp/routers").values == {"admin/tcp/routers/shop": TCP_ROUTER}
    shown = {**UDP_SERVICE, "type": "loadbalancer", "serverStatus": {}, "usedBy": [], "servers": []}
    assert validated("put", shown, section="udp/services").values == {"admin/udp/services/shop": UDP_SERVICE}


@pytest.mark.parametrize(
    ("section", "value", "path", "message"),
    [
        ("tcp/routers", {**TCP_ROUTER, "rule": "Host(`a`)"}, "rule", "Host"),
        ("tcp/routers", {**TCP_ROUTER, "entryPoints": ["dns"]}, "entryPoints", "'dns' does not exist"),
        ("tcp/routers", {**TCP_ROUTER, "entrypoint": ["web"]}, "entrypoint", "is unknown"),
        ("tcp/middlewares", {"basicAuth": {"users": ["a:b"]}}, "", "basicAuth"),
        ("tcp/middlewares", {"inFlightConn": {"amount": "many"}}, "inFlightConn.amount", "many"),
        ("udp/routers", {**UDP_ROUTER, "entryPoints": ["web"]}, "entryPoints", "'web' does not exist"),
        ("udp/routers", {**UDP_ROUTER, "rule": "x"}, "rule", "is for HTTP and TCP routers"),
    ],
)
def test_errors_in_objects_of_tcp_and_udp_name_the_field(
    section: str, value: Any, path: str, message: str
) -> None:
    found = validated("put", value, section=section)
    assert (found.outcome, found.values) == ("invalid", {})
    errors = [diagnostic for diagnostic in found.diagnostics if diagnostic.error]
    assert path in {diagnostic.path for diagnostic in errors} or not path
    assert any(message in f"{diagnostic.path} {diagnostic.message}" for diagnostic in errors)


@pytest.mark.parametrize("section", ["udp/middlewares", "tcp/serversTransports", "other/routers", "tls"])
def test_other_sections_cannot_be_changed(section: str) -> None:
    assert validated("put", {}, section=section).outcome == "invalid"


def test_a_replacement_writes_only_the_objects_that_differ() -> None:
    found = validated("replace", WHOLE)
    assert found.outcome == "done"
    assert set(found.values) == {"rest/frontends/f", "rest/backends/b"}
    before = stored(1, {**found.values, "admin/http/routers/shop": ROUTER})
    assert validated("replace", WHOLE, before).outcome == "unchanged"
    layer_4 = validated("replace", WHOLE_4)
    assert layer_4.outcome == "done"
    assert changed_objects(layer_4, before)["udp_services"].keys() == {"dns@rest"}
    assert set(layer_4.values) == {
        "rest/tcp/routers/r",
        "rest/tcp/services/db",
        "rest/tcp/middlewares/few",
        "rest/tcp/serversTransports/t",
        "rest/udp/routers/r",
        "rest/udp/services/dns",
    }
    found = validated("replace", WHOLE_3, before)
    assert {field: value is None for field, value in found.values.items()} == {
        "rest/frontends/f": True,
        "rest/backends/b": True,
        "rest/http/routers/r": False,
        "rest/http/services/s": False,
    }
    assert changed_objects(found, before)["routers"].keys() == {"r@rest", "f@rest"}
    assert set(validated("replace", {}, before).values.values()) == {None}


def test_errors_in_a_whole_tree_have_their_path_in_it() -> None:
    tree = json.loads(json.dumps(WHOLE))
    tree["frontends"]["f"]["routes"]["r"]["rule"] = "Hots:x"
    tree["backends"]["b"]["servers"]["s"]["url"] = "x"
    found = validated("replace", tree)
    assert found.outcome == "invalid"
    assert {diagnostic.path for diagnostic in found.diagnostics if diagnostic.error} == {
        "frontends.f.routes.r.rule",
        "backends.b.servers.s.url",
    }
    found = validated(
        "replace", {"http": {"routers": {"r": {**ROUTER, "service": "s", "entryPoints": ["x"]}}}}
    )
    assert [diagnostic.path for diagnostic in found.diagnostics if diagnostic.error] == ["r.entryPoints"]
    found = validated("replace", {"tcp": {"routers": {"r": {**TCP_ROUTER, "entryPoints": ["dns"]}}}})
    assert [diagnostic.path for diagnostic in found.diagnostics if diagnostic.error] == ["r.entryPoints"]
    found = validated("replace", {"tcp": {"routers": {"r": {"rule": "Host(`a`)", "service": "s"}}}})
    assert {diagnostic.path for diagnostic in found.diagnostics if diagnostic.error} == {"tcp.routers.r.rule"}


def test_a_private_key_in_a_transport_is_refused_and_not_shown() -> None:
    pair = {"certFile": "/c.pem", "keyFile": "-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----"}
    for protocol, options in (("http", {"certificates": [pair]}), ("tcp", {"tls": {"certificates": [pair]}})):
        found = validated("replace", {protocol: {"serversTransports": {"t": options}}})
        assert (found.outcome, found.values) == ("invalid", {})
        assert "secret" not in str(found.diagnostics)


def test_a_split_tree_is_joined_to_the_same_tree() -> None:
    for tree in (WHOLE, WHOLE_3, WHOLE_4):
        fields = split_tree("rest", tree)
        assert join_tree((*split_field(field)[1:], value) for field, value in fields.items()) == tree


def entry(version: int, **changes: tuple[Any, Any] | None) -> HistoryEntry:
    fields = {
        f"admin/http/{name.replace('__', '/')}": Difference(*change)
        for name, change in changes.items()
        if change is not None
    }
    return HistoryEntry(version, 0.0, "", changes=fields if None not in changes.values() else None)


NEWER = {**ROUTER, "priority": 9}
HISTORY = [
    entry(4, routers__shop=(NEWER, ROUTER)),
    entry(3, services__shop=(SERVICE, None)),
    entry(2, services__shop=(None, SERVICE), routers__shop=(ROUTER, NEWER)),
    entry(1, routers__shop=(None, ROUTER)),
]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (4, {}),
        (3, {"admin/http/routers/shop": NEWER}),
        (2, {"admin/http/routers/shop": NEWER, "admin/http/services/shop": SERVICE}),
        (1, {}),
        (0, {"admin/http/routers/shop": None}),
    ],
)
def test_earlier_versions_can_be_restored(version: int, expected: dict[str, Any]) -> None:
    before = document(4, routers__shop=ROUTER)
    proposal = Proposal("1", "rollback", version=version)
    found = validate(proposal, before, HISTORY, POINTS)
    assert (found.outcome, dict(found.values)) == ("done" if expected else "unchanged", expected)


@pytest.mark.parametrize(
    ("version", "history", "outcome"),
    [
        (5, HISTORY, "missing"),
        (1, HISTORY[:2], "impossible"),
        (1, [entry(4, routers__shop=None)], "impossible"),
        (3, [], "impossible"),
    ],
)
def test_versions_outside_the_history_cannot_be_restored(
    version: int, history: list[HistoryEntry], outcome: str
) -> None:
    before = document(4, routers__shop=ROUTER)
    found = validate(Proposal("1", "rollback", version=version), before, history, POINTS)
    assert found.outcome == outcome


def test_a_version_that_is_no_longer_valid_cannot_be_restored() -> None:
    history = [entry(2, routers__shop=({**ROUTER, "entryPoints": ["gone"]}, ROUTER)), HISTORY[3]]
    before = document(2, routers__shop=ROUTER)
    found = validate(Proposal("1", "rollback", version=1), before, history, POINTS)
    assert found.outcome == "invalid"
    assert found.diagnostics[0].path == "admin/http/routers/shop: entryPoints"
