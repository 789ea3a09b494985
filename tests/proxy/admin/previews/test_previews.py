"""What each kind of middleware is said to do to one request, and that saying it has no effect."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.admin.previews.chain_preview import PREVIEWS, PreviewedRequest, Previewer, parts_of
from proxy.http1.limits import Limits
from proxy.http1.request import parse_request
from proxy.limits.gcra import Limit
from proxy.limits.in_flight_counts import IN_FLIGHT
from proxy.limits.rate_limits import RateLimits
from proxy.limits.token_bucket import BucketKey
from proxy.middlewares.chains import Chains
from proxy.net.deadlines import Sweeper
from proxy.upstream.auxiliary_pools import AuxiliaryPools
from proxy.upstream.timeouts import UpstreamTimeouts
from rondpoint.entry_points.options import EntryPointOptions
from rondpoint.entry_points.redirection import RedirectionTarget
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explanation import ExplainedMember, ExplainedMiddleware, Explanation
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.model import Middleware, Router
from rondpoint.rules import v3

HASHES = {"users": ["eve:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="]}
"""The password is `test`."""


@dataclass
class Worker:
    chains: Chains = field(
        default_factory=lambda: Chains(
            AuxiliaryPools(Sweeper(), UpstreamTimeouts()), {"secure": RedirectionTarget("https", 8443)}
        )
    )
    services: Mapping[str, object] = field(default_factory=lambda: {"pages@x": object()})
    rate_limits: RateLimits = field(default_factory=RateLimits)


def sent(
    target: str = "/a/b?c=d", *lines: str, method: str = "GET", peer: str = "192.0.2.7", tls: bool = False
) -> PreviewedRequest:
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: a.test", *lines, "", ""])
    request = parse_request(head.encode(), Limits())
    assert request is not None
    added = f"\r\nX-Forwarded-For: {peer}\r\nX-Forwarded-Proto: {'https' if tls else 'http'}".encode()
    return PreviewedRequest(request, peer, added, tls)


def previewed(
    *middlewares: Middleware,
    request: PreviewedRequest,
    names: tuple[str, ...] = (),
    at_entry_point: tuple[str, ...] = (),
    left: int | None = None,
    explanation: Explanation | None = None,
    closed: bool = False,
) -> Explanation:
    worker = Worker()
    for each in middlewares:
        worker.chains.put(each)

    def tokens_left(key: BucketKey, limit: Limit) -> int | None:
        return left

    own = names or tuple(each.name for each in middlewares)
    before = explanation or Explanation("web", "GET", "a.test", "/", router="r@x")
    given = replace(before, middlewares=(*at_entry_point, *own))
    by_name = {each.name: each for each in middlewares}
    previewer = Previewer(worker, by_name, tokens_left, lambda: None)  # type: ignore[arg-type]
    parts = {"entry point web": at_entry_point, f"router {given.router}": own}
    return previewer.complete(given, parts, request, closed=closed)


def basic(user: str, password: str) -> str:
    return "Authorization: Basic " + b64encode(f"{user}:{password}".encode()).decode()


REALM = "asks for a user name and a password for the realm 'office', with 401"
ORIGIN = {"accessControlAllowOriginList": ["https://b.test"], "accessControlAllowMethods": ["PUT"]}
PREFLIGHT = sent("/", "Origin: https://b.test", "Access-Control-Request-Method: PUT", method="OPTIONS")
BREAKER = "ResponseCodeRatio(500, 600, 0, 600) > 0.5"

EFFECTS: list[tuple[str, Mapping[str, Any], PreviewedRequest, str, int]] = [
    ("stripPrefix", {"prefixes": ["/a"]}, sent(), "changes the path and query to /b?c=d", 0),
    ("stripPrefix", {"prefixes": ["/x"]}, sent(), "leaves the path as it is", 0),
    ("stripPrefix", {"prefixes": ["/a"]}, sent("/a../b"), "refuses the request with 400: the path has", 400),
    ("stripPrefixRegex", {"regex": ["/[ab]"]}, sent(), "changes the path and query to /b?c=d", 0),
    ("addPrefix", {"prefix": "/v1"}, sent(), "changes the path and query to /v1/a/b?c=d", 0),
    ("replacePath", {"path": "/x"}, sent(), "changes the path and query to /x?c=d", 0),
    (
        "replacePathRegex",
        {"regex": "^/a/(.*)", "replacement": "/$1"},
        sent(),
        "changes the path and query to /b?c=d",
        0,
    ),
    ("redirectScheme", {"scheme": "https"}, sent(), "redirects to https://a.test/a/b?c=d with 302", 302),
    ("requestRedirect", {"hostname": "b.test"}, sent(), "redirects to http://b.test/a/b?c=d with 302", 302),
    (
        "urlRewrite",
        {"path": "/x", "hostname": "b.test"},
        sent(),
        "changes the path and query to /x?c=d and sets Host: b.test in the request",
        0,
    ),
    ("urlRewrite", {"path": "/a", "pathPrefix": "/a"}, sent(), "leaves the request as it is", 0),
    ("requestHeaderModifier", {"add": {"X-A": "1"}}, sent(), "sets X-A: 1 in the request", 0),
    (
        "responseHeaderModifier",
        {"set": {"X-A": "1"}, "remove": ["Server"]},
        sent(),
        "sets X-A: 1 in the response; removes Server from the response",
        0,
    ),
    (
        "redirectScheme",
        {"scheme": "https", "permanent": True},
        sent(method="POST"),
        "redirects to https://a.test/a/b?c=d with 308",
        308,
    ),
    ("redirectScheme", {"scheme": "https"}, sent(tls=True), "does not redirect this request", 0),
    (
        "redirectRegex",
        {"regex": "^http://a.test/(.*)", "replacement": "https://b.test/$1", "permanent": True},
        sent(),
        "redirects to https://b.test/a/b?c=d with 301",
        301,
    ),
    ("basicAuth", {**HASHES, "realm": "office"}, sent(), REALM, 401),
    (
        "basicAuth",
        {**HASHES, "realm": "office"},
        sent("/", basic("eve", "no")),
        f"refuses the password of user eve, and {REALM}",
        401,
    ),
    ("basicAuth", HASHES, sent("/", basic("eve", "test")), "accepts the password of user eve", 0),
    (
        "basicAuth",
        {**HASHES, "headerField": "X-User", "removeHeader": True},
        sent("/", basic("eve", "test")),
        "accepts the password of user eve, and sets X-User: eve in the request;"
        " removes Authorization from the request",
        0,
    ),
    ("digestAuth", {"users": ["eve:office:" + "0" * 32], "realm": "office"}, sent(), REALM, 401),
    (
        "digestAuth",
        {"users": ["eve:office:" + "0" * 32]},
        sent("/", 'Authorization: Digest username="eve"'),
        "checks the digest in the request",
        0,
    ),
    (
        "forwardAuth",
        {"address": "http://eve:secret@auth.test/verify?key=secret"},
        sent(),
        "asks http://auth.test/verify, and passes the request on if it responds with 200 to 299",
        0,
    ),
    ("ipAllowList", {"sourceRange": ["192.0.2.0/24"]}, sent(), "lets the address 192.0.2.7 pass", 0),
    (
        "ipAllowList",
        {"sourceRange": ["10.0.0.0/8"], "rejectStatusCode": 404},
        sent(),
        "refuses the address 192.0.2.7 with 404",
        404,
    ),
    ("ipWhiteList", {"sourceRange": ["10.0.0.0/8"]}, sent(), "refuses the address 192.0.2.7 with 403", 403),
    (
        "ipAllowList",
        {"sourceRange": ["10.0.0.0/8"]},
        sent(peer=""),
        "lets only some addresses pass; the one of this client is not known here",
        0,
    ),
    (
        "rateLimit",
        {"average": 100, "burst": 50},
        sent(),
        "lets 100 requests per 1 s pass for each client address (here 192.0.2.7), and at most 50 at once; it"
        " refuses others with 429; 17 may pass now",
        0,
    ),
    (
        "rateLimit",
        {"average": 6, "period": 60.0, "sourceCriterion": {"requestHeaderName": "X-Key"}},
        sent("/", "X-Key: k"),
        "lets 6 requests per 60 s pass for each value of X-Key (here k), and at most 1 at once;",
        0,
    ),
    ("rateLimit", {"average": 0}, sent(), "lets any number of requests pass, because average is 0", 0),
    (
        "inFlightReq",
        {"amount": 3},
        sent(),
        "lets at most 3 requests be in flight for each host (here a.test); it refuses others with 429",
        0,
    ),
    ("circuitBreaker", {"expression": BREAKER}, sent(), f"is closed now, and opens if {BREAKER}", 0),
    (
        "compress",
        {},
        sent("/", "Accept-Encoding: gzip, br"),
        "compresses responses of at least 1024 bytes",
        0,
    ),
    (
        "compress",
        {"encodings": ["br", "gzip"]},
        sent("/", "Accept-Encoding: gzip, br"),
        "compresses responses of at least 1024 bytes with br",
        0,
    ),
    (
        "compress",
        {"encodings": ["br"]},
        sent("/", "Accept-Encoding: gzip"),
        "compresses nothing: the client accepts none of br",
        0,
    ),
    (
        "compress",
        {"includedContentTypes": ["application/json"]},
        sent("/", "Accept-Encoding: gzip"),
        "compresses responses of at least 1024 bytes with gzip",
        0,
    ),
    (
        "compress",
        {"excludedContentTypes": ["text/html"], "minResponseBodyBytes": 9},
        sent("/", "Accept-Encoding: gzip"),
        "compresses responses of at least 9 bytes with gzip",
        0,
    ),
    ("compress", {}, sent(method="HEAD"), "leaves responses to this request as they are", 0),
    (
        "buffering",
        {"maxRequestBodyBytes": 9, "maxResponseBodyBytes": 7},
        sent(),
        "reads requests of at most 9 bytes and responses of at most 7 bytes whole before it passes them on",
        0,
    ),
    ("buffering", {}, sent(), "reads requests and responses whole before it passes them on", 0),
    (
        "errors",
        {"status": ["200-599"], "service": "pages@x", "query": "/{status}.html"},
        sent(),
        "replaces responses of status 200-599 by the page /{status}.html of service pages@x",
        0,
    ),
    ("errors", {"status": ["500"], "service": "no@x"}, sent(), "refuses the request with 503: service", 503),
    (
        "redirectEntryPoint",
        {"entryPoint": "secure"},
        sent(),
        "redirects to https://a.test:8443/a/b?c=d with 302",
        302,
    ),
    ("contentType", {}, sent(), "adds a Content-Type to responses that have none", 0),
    ("contentType", {"autoDetect": False}, sent(), "leaves responses without a Content-Type as they are", 0),
    (
        "passTLSClientCert",
        {"pem": True, "info": {"sans": True}},
        sent(),
        "adds X-Forwarded-Tls-Client-Cert and X-Forwarded-Tls-Client-Cert-Info, if the client sends a",
        0,
    ),
    ("passTLSClientCert", {"pem": False}, sent(), "adds no header, because neither pem nor info is set", 0),
    ("encodedCharacters", {}, sent("/a%2Fb"), "refuses the request with 400: the path has the encoded", 400),
    ("encodedCharacters", {}, sent(), "lets the path pass", 0),
    ("timeouts", {"request": 0.5}, sent(), "gives the request 0.5 s", 0),
    (
        "timeouts",
        {"request": 30, "backendRequest": 10},
        sent(),
        "gives the request 30 s and each attempt at a server 10 s",
        0,
    ),
    ("timeouts", {"request": 0}, sent(), "sets no limit", 0),
    (
        "retry",
        {"attempts": 4},
        sent(),
        "tries the request at most 4 times, as long as it gets no response",
        0,
    ),
    (
        "retry",
        {"attempts": 2, "status": ["500-599"]},
        sent(),
        "tries the request at most 2 times, as long as it gets no response or the response has a status of"
        " 500-599",
        0,
    ),
    (
        "headers",
        {
            "customRequestHeaders": {"X-A": "b", "X-Api-Key": "secret", "Accept": ""},
            "customResponseHeaders": {"Server": "", "X-C": "d"},
            "frameDeny": True,
        },
        sent("/", "Accept: */*"),
        "sets X-A: b, X-Api-Key: \N{HORIZONTAL ELLIPSIS} in the request; removes Accept from the request;"
        " sets X-Frame-Options: DENY, X-C: d in the response; removes Server from the response",
        0,
    ),
    ("headers", {"stsSeconds": 9}, sent(), "changes no headers of this request and its response", 0),
    (
        "headers",
        {"stsSeconds": 9},
        sent(tls=True),
        "sets Strict-Transport-Security: max-age=9 in the response",
        0,
    ),
    ("headers", ORIGIN, PREFLIGHT, "responds to the preflight of the browser with 200", 200),
    ("headers", {"allowedHosts": ["b.test"]}, sent(), "refuses the request with 500: bad host", 500),
    (
        "grpcWeb",
        {"allowOrigins": ["*"]},
        sent("/", "Content-Type: application/grpc-web+proto", method="POST"),
        "converts the request to gRPC, and the response to gRPC-Web",
        0,
    ),
    ("grpcWeb", {"allowOrigins": []}, sent(), "leaves the request as it is, because it is not", 0),
    (
        "grpcWeb",
        {"allowOrigins": []},
        sent(
            "/",
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: x-grpc-web",
            method="OPTIONS",
        ),
        "responds to the preflight of the browser with 200",
        200,
    ),
    ("headers", {"sslRedirect": True}, sent(), "redirects to https://a.test/a/b?c=d with 301", 301),
]


@pytest.mark.parametrize(
    ("kind", "options", "request_", "sentence", "status"),
    EFFECTS,
    ids=[f"{e[0]}-{e[3][:24]}" for e in EFFECTS],
)
def test_the_effect_on_a_request_is_one_sentence(
    kind: str, options: Mapping[str, Any], request_: PreviewedRequest, sentence: str, status: int
) -> None:
    explanation = previewed(Middleware("m@x", kind, dict(options)), request=request_, left=17)
    (step,) = explanation.steps
    assert step.effect.startswith(sentence), step.effect
    assert (step.kind, step.part_of, step.status) == (kind, "router r@x", status)
    assert explanation.status == status
    assert explanation.reason == (f"middleware m@x {step.effect}" if status else "")


def test_each_served_kind_has_a_preview() -> None:
    assert SERVED_KINDS - {"chain"} <= PREVIEWS.keys()


STRIP = Middleware("strip@x", "stripPrefix", {"prefixes": ["/a"]})
ADD = Middleware("add@x", "addPrefix", {"prefix": "/v1"})
DENY = Middleware("deny@x", "ipAllowList", {"sourceRange": ["10.0.0.0/8"]})
INNER = Middleware("inner@x", "chain", {"middlewares": ["strip@x", "add@x"]})
OUTER = Middleware("outer@x", "chain", {"middlewares": ["inner@x"]})


def test_middlewares_are_listed_in_the_order_in_which_they_run() -> None:
    explanation = previewed(
        STRIP,
        ADD,
        INNER,
        OUTER,
        request=sent("/a/a/b"),
        names=("outer@x", "strip@x"),
        at_entry_point=("add@x",),
    )
    assert [(step.name, step.part_of, step.effect.rpartition(" ")[2]) for step in explanation.steps] == [
        ("add@x", "entry point web", "/v1/a/a/b"),
        ("strip@x", "router r@x", "is"),
        ("add@x", "router r@x", "/v1/v1/a/a/b"),
        ("strip@x", "router r@x", "is"),
    ]


def test_each_middleware_meets_what_those_before_have_changed() -> None:
    hosts = Middleware("hosts@x", "headers", {"customRequestHeaders": {"X-User": "eve"}})
    limit = {"average": 1, "sourceCriterion": {"requestHeaderName": "X-User"}}
    explanation = previewed(hosts, Middleware("limit@x", "rateLimit", limit), request=sent())
    assert "(here eve)" in explanation.steps[1].effect


def test_middlewares_behind_one_that_responds_are_not_reached() -> None:
    explanation = previewed(STRIP, DENY, ADD, request=sent())
    assert [(step.name, bool(step.effect)) for step in explanation.steps] == [
        ("strip@x", True), ("deny@x", True), ("add@x", False),
    ]  # fmt: skip
    assert (explanation.status, explanation.reason) == (
        403,
        "middleware deny@x refuses the address 192.0.2.7 with 403",
    )
    explanation = previewed(STRIP, DENY, request=sent(), names=("strip@x",), at_entry_point=("deny@x",))
    assert [step.effect for step in explanation.steps][1:] == [""]


def test_the_middlewares_of_a_request_are_those_of_all_routers_on_its_way() -> None:
    def routed(name: str, *middlewares: str, parents: tuple[str, ...] = ()) -> Router:
        rule = v3.parse("PathPrefix(`/`)")
        return Router(name, rule, "s@x", 1, middlewares=middlewares, parents=parents)

    routers = (routed("root@x", "users@x"), routed("leaf@x", "strip@x", parents=("root@x",)))
    configured = ActiveConfiguration(
        {each.name: each for each in routers}, {}, {}, (), ("web",),
        entry_points={"web": EntryPointOptions(middlewares=("deny@x",))},
    )  # fmt: skip
    before = Explanation("web", "GET", "a.test", "/", router="leaf@x", parents=("root@x",))
    explanation = replace(before, middlewares=("deny@x", "users@x", "strip@x"))
    assert parts_of(explanation, configured) == {
        "entry point web": ("deny@x",),
        "router root@x": ("users@x",),
        "router leaf@x": ("strip@x",),
    }
    redirected = replace(before, parents=(), router="web-to-secure@internal", middlewares=("deny@x", "r@x"))
    assert parts_of(redirected, configured) == {
        "entry point web": ("deny@x",),
        "router web-to-secure@internal": ("r@x",),
    }


def test_a_closed_entry_point_has_no_effects() -> None:
    before = Explanation("web", "GET", "a.test", "/", router="r@x", status=503, reason="closed")
    explanation = previewed(STRIP, DENY, request=sent(), explanation=before, closed=True)
    assert [(step.name, step.effect) for step in explanation.steps] == [("strip@x", ""), ("deny@x", "")]
    assert (explanation.status, explanation.reason) == (503, "closed")


def test_a_middleware_responds_before_a_service_without_servers() -> None:
    before = Explanation("web", "GET", "a.test", "/", router="r@x", status=503, reason="no server")
    assert previewed(DENY, request=sent(), explanation=before).status == 403
    assert previewed(STRIP, request=sent(), explanation=before).reason == "no server"


def test_options_that_cannot_be_applied_give_503_with_the_reason() -> None:
    bad = Middleware("bad@x", "redirectRegex", {"regex": "(", "replacement": "x"})
    explanation = previewed(bad, request=sent())
    assert explanation.status == 503
    assert "no regular expression" in explanation.reason


def test_middlewares_of_each_member_meet_the_request_on_their_own() -> None:
    members = (ExplainedMember("m@x", 1, ("strip@x",)), ExplainedMember("n@x", 1, ("strip@x", "deny@x")))
    before = Explanation("web", "GET", "a.test", "/", router="r@x", members=members)
    explanation = previewed(STRIP, ADD, DENY, request=sent("/a/b"), names=("strip@x",), explanation=before)
    assert explanation.status == 0

    def short(steps: tuple[ExplainedMiddleware, ...]) -> list[tuple[str, str]]:
        return [(step.part_of, step.effect[:11]) for step in steps]

    assert [short(member.steps) for member in explanation.members] == [
        [("service m@x", "leaves the ")],
        [("service n@x", "leaves the "), ("service n@x", "refuses the")],
    ]


def test_secrets_are_in_no_option() -> None:
    middleware = Middleware("m@x", "basicAuth", dict(HASHES))
    (step,) = previewed(middleware, request=sent()).steps
    assert step.options["users"] == "\N{HORIZONTAL ELLIPSIS}"


def test_no_preview_counts_or_takes_anything() -> None:
    limits = (
        Middleware("rate@x", "rateLimit", {"average": 1}),
        Middleware("flight@x", "inFlightReq", {"amount": 1}),
    )
    before = bytes(IN_FLIGHT._counts)
    request = sent()
    headers, target = request.request.headers, request.request.target
    for _ in range(3):
        assert previewed(*limits, STRIP, request=request).status == 0
    assert bytes(IN_FLIGHT._counts) == before
    assert (request.request.headers, request.request.target) == (headers, target)
