"""Says what middlewares do whose steps have no effect beyond the request: previews run them on a copy."""

from __future__ import annotations

from proxy.admin.previews.effect import Effect, Subject, listed, preview
from proxy.admin.previews.observation import HeaderDifference, Observation, observe
from proxy.http1.errors import RequestError
from proxy.http1.header_lines import first_value
from proxy.middlewares.sources.source_criterion import client_address, compile_address
from proxy.per_request.local_response import LocalResponse
from proxy.per_request.retries import RetryState
from rondpoint.middlewares.redaction import HIDDEN, redact_headers

_REDIRECTIONS = range(300, 400)


@preview("addPrefix", "replacePath", "replacePathRegex", "stripPrefix", "stripPrefixRegex")
def path_change(subject: Subject) -> Effect:
    """Say the new path."""
    found = _observe(subject)
    if found.response is not None:
        return responded(found.response)
    if not found.target:
        return Effect("leaves the path as it is")
    return Effect(f"changes the path and query to {found.target}")


@preview("redirectEntryPoint", "redirectRegex", "redirectScheme", "requestRedirect")
def redirection(subject: Subject) -> Effect:
    """Say where to the client is redirected."""
    found = _observe(subject)
    return Effect("does not redirect this request") if found.response is None else responded(found.response)


@preview("basicAuth")
def basic_authentication(subject: Subject) -> Effect:
    """Say whether a password is asked for, or whether the one in the request is right."""
    found = _observe(subject)
    user = subject.client.username.decode("utf-8", "backslashreplace")
    if found.response is None:
        return Effect(f"accepts the password of user {user}{_changes(found, ', and ')}")
    if found.response.status != 401:
        return responded(found.response)
    realm = subject.options["realm"] or "traefik"
    asks = f"asks for a user name and a password for the realm {realm!r}, with 401"
    return Effect(f"refuses the password of user {user}, and {asks}" if user else asks, 401)


@preview("ipAllowList", "ipWhiteList")
def allow_list(subject: Subject) -> Effect:
    """Say whether the client's address is allowed."""
    strategy = subject.options.get("ipStrategy")
    address = client_address if strategy is None else compile_address(strategy)
    text = address(subject.request, subject.client)
    if not (text or subject.client.peer):
        return Effect("lets only some addresses pass; the one of this client is not known here")
    found = _observe(subject)
    if found.response is None:
        return Effect(f"lets the address {text} pass")
    status = found.response.status
    return Effect(
        f"refuses the address {text} with {status}" if text else responded(found.response).sentence, status
    )


@preview("encodedCharacters")
def encoded_characters(subject: Subject) -> Effect:
    """Say whether the path is refused."""
    found = _observe(subject)
    return Effect("lets the path pass") if found.response is None else responded(found.response)


@preview("requestHeaderModifier", "responseHeaderModifier")
def header_modifiers(subject: Subject) -> Effect:
    """Say which headers change."""
    # Lines for it to remove.
    sample = "".join(f"\r\n{name}: any" for name in subject.options["remove"]).encode()
    found = observe(subject.step, subject.request, subject.client, sample)
    return Effect(_changes(found) or "changes no headers of this request and its response")


@preview("urlRewrite")
def url_rewrite(subject: Subject) -> Effect:
    """Say the new path and query, and the Host for the server."""
    found = _observe(subject)
    if found.response is not None:
        return responded(found.response)
    path = f"changes the path and query to {found.target}" if found.target else ""
    return Effect(" and ".join(filter(None, (path, _changes(found)))) or "leaves the request as it is")


@preview("headers")
def headers(subject: Subject) -> Effect:
    """Say which headers change, or the response."""
    removed = (name for name, value in subject.options["customResponseHeaders"].items() if not value)
    # Lines for it to remove.
    sample = "".join(f"\r\n{name}: any" for name in removed).encode()
    found = observe(subject.step, subject.request, subject.client, sample)
    if found.response is None:
        return Effect(_changes(found) or "changes no headers of this request and its response")
    effect = responded(found.response)
    if isinstance(found.response, LocalResponse) and effect.status not in _REDIRECTIONS:
        return Effect(f"responds to the preflight of the browser with {effect.status}", effect.status)
    return effect


@preview("compress")
def compression(subject: Subject) -> Effect:
    """Say which coding is chosen."""
    # A type that is compressed, whatever the options exclude.
    media = next(iter(subject.options["includedContentTypes"]), "x-sample/x-sample")
    sample = f"\r\nContent-Type: {media}".encode()
    found = observe(subject.step, subject.request, subject.client, sample)
    if not subject.client.recorded.added:
        return Effect("leaves responses to this request as they are")
    line = next(
        (line for line in found.response_headers.written if line.lower().startswith("content-enc")), ""
    )
    if not line:
        return Effect(
            f"compresses nothing: the client accepts none of {listed(subject.options['encodings'])}"
        )
    minimum = subject.options["minResponseBodyBytes"] or 1024
    return Effect(f"compresses responses of at least {minimum} bytes with {line.partition(': ')[2]}")


@preview("contentType")
def content_type(subject: Subject) -> Effect:
    """Say whether missing content types are added."""
    _observe(subject)
    if subject.client.recorded.added:
        return Effect("adds a Content-Type to responses that have none")
    return Effect("leaves responses without a Content-Type as they are")


@preview("grpcWeb")
def grpc_web(subject: Subject) -> Effect:
    """Say whether the request is one of gRPC-Web, or a preflight for one."""
    found = _observe(subject)
    if found.response is not None:
        return Effect(
            f"responds to the preflight of the browser with {found.response.status}", found.response.status
        )
    if subject.client.recorded.added:
        return Effect("converts the request to gRPC, and the response to gRPC-Web")
    return Effect("leaves the request as it is, because it is not gRPC-Web")


@preview("retry")
def retry(subject: Subject) -> Effect:
    """Say how often the request is tried."""
    _observe(subject)
    retrying = subject.client.recorded.retrying
    if not isinstance(retrying, RetryState):
        return Effect("does not try this request again")
    policy = retrying.policy
    causes = ["it gets no response"] if policy.without_response else []
    if policy.statuses:
        causes.append(f"the response has a status of {listed(subject.options['status'])}")
    return Effect(f"tries the request at most {policy.attempts} times, as long as {' or '.join(causes)}")


def responded(response: LocalResponse | RequestError) -> Effect:
    """Say the response that a middleware gives in place of a server."""
    status = response.status
    if isinstance(response, RequestError):
        return Effect(f"refuses the request with {status}: {response.reason}", status)
    location = first_value(response.lines, b"location")
    if location:
        return Effect(f"redirects to {location.decode('utf-8', 'backslashreplace')} with {status}", status)
    return Effect(f"responds with {status}", status)


def _observe(subject: Subject) -> Observation:
    return observe(subject.step, subject.request, subject.client)


def _changes(found: Observation, before: str = "") -> str:
    """Return words for the headers that change; empty if none does."""
    words = (
        *_words(found.request_headers, "request"),
        *_words(found.response_headers, "response"),
    )
    return before + "; ".join(words) if words else ""


def _words(difference: HeaderDifference, message: str) -> list[str]:
    words = []
    if difference.written:
        words.append(f"sets {listed(_redacted(difference.written))} in the {message}")
    if difference.removed:
        words.append(f"removes {listed(difference.removed)} from the {message}")
    return words


def _redacted(lines: tuple[str, ...]) -> list[str]:
    """Return the lines, with `…` for values that are likely to be credentials."""
    pairs = [line.partition(": ") for line in lines]
    return [
        f"{name}: {HIDDEN if redact_headers({name: value})[name] == HIDDEN else value}"
        for name, _, value in pairs
    ]
