"""Says what middlewares do that ask others, or count: previews never run their steps."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from proxy.admin.previews.effect import Effect, Subject, preview
from proxy.admin.previews.observation import observe
from proxy.admin.previews.observed_kinds import responded
from proxy.middlewares.authentication.auth_request import parse_address
from proxy.middlewares.authentication.authenticated_user import authorization
from proxy.middlewares.failures.circuit_breaker import breaker_phase
from proxy.middlewares.pass_tls_client_cert import added_headers
from proxy.middlewares.sources.rate_limit import bucket_key, compile_limit
from proxy.middlewares.sources.source_criterion import Source, client_address, compile_source, request_host


@preview("digestAuth")
def digest_authentication(subject: Subject) -> Effect:
    """Say whether credentials are asked for; those of a request are not checked, which would use them up."""
    if authorization(subject.request)[:7].lower() == b"digest ":
        return Effect("checks the digest in the request, which a preview must not use up")
    realm = subject.options["realm"] or "traefik"
    found = observe(subject.step, subject.request, subject.client)
    status = 0 if found.response is None else found.response.status
    return Effect(f"asks for a user name and a password for the realm {realm!r}, with {status}", status)


@preview("forwardAuth")
def forward_authentication(subject: Subject) -> Effect:
    """Say which server decides."""
    server = parse_address(subject.options["address"])
    location = server.url.partition("?")[0]
    return Effect(f"asks {location}, and passes the request on if it responds with 200 to 299")


@preview("rateLimit")
def rate_limit(subject: Subject) -> Effect:
    """Say which limit applies, to whom, and how much of it is left."""
    options = subject.options
    average = options["average"]
    if not average:
        return Effect("lets any number of requests pass, because average is 0")
    limit = compile_limit(average, options["period"], options["burst"])
    criterion = options.get("sourceCriterion")
    source = compile_source(criterion, client_address)
    value = source(subject.request, subject.client)
    left = subject.tokens_left(bucket_key(subject.name, subject.client, value), limit) if value else None
    period = f"{options['period'] or 1.0:g} s"
    return Effect(
        f"lets {average} requests per {period} pass for each {_group(criterion, source)}{_value(value)},"
        f" and at most {limit.burst} at once; it refuses others with 429"
        + ("" if left is None else f"; {left} may pass now")
    )


@preview("inFlightReq")
def in_flight_requests(subject: Subject) -> Effect:
    """Say which limit applies, and to whom."""
    criterion = subject.options.get("sourceCriterion")
    source = compile_source(criterion, request_host)
    value = source(subject.request, subject.client)
    return Effect(
        f"lets at most {subject.options['amount']} requests be in flight for each {_group(criterion, source)}"
        f"{_value(value)}; it refuses others with 429"
    )


@preview("circuitBreaker")
def circuit_breaker(subject: Subject) -> Effect:
    """Say whether the breaker of this router is open now."""
    options = subject.options
    status = options["responseCode"]
    phase = breaker_phase(options, subject.name, subject.client.tally.router, monotonic())
    if phase == "open":
        return Effect(f"is open now, and responds with {status}", status)
    if phase == "recovering":
        return Effect(f"is recovering now: it lets some requests pass, and responds to others with {status}")
    return Effect(f"is closed now, and opens if {options['expression']}")


@preview("buffering")
def buffering(subject: Subject) -> Effect:
    """Say which limits apply."""
    limits = [
        f"{name} of at most {subject.options[option]} bytes"
        for option, name in (("maxRequestBodyBytes", "requests"), ("maxResponseBodyBytes", "responses"))
        if subject.options.get(option)
    ]
    return Effect(f"reads {' and '.join(limits) or 'requests and responses'} whole before it passes them on")


@preview("errors")
def error_pages(subject: Subject) -> Effect:
    """Say which responses are replaced."""
    found = observe(subject.step, subject.request, subject.client)
    if found.response is not None:
        return responded(found.response)
    statuses, service = subject.options["status"], subject.options["service"]
    page = subject.options["query"] or "/"
    return Effect(
        f"replaces responses of status {', '.join(statuses)} by the page {page} of service {service}"
    )


@preview("timeouts")
def timeouts(subject: Subject) -> Effect:
    """Say which limits apply."""
    named = (("request", "the request"), ("backendRequest", "each attempt at a server"))
    limits = [f"{name} {subject.options[option]:g} s" for option, name in named if subject.options[option]]
    return Effect(f"gives {' and '.join(limits)}" if limits else "sets no limit")


@preview("passTLSClientCert")
def client_certificate(subject: Subject) -> Effect:
    """Say which headers it adds; a preview has no certificate of a client."""
    names = [name.decode() for name in added_headers(subject.options)]
    if not names:
        return Effect("adds no header, because neither pem nor info is set")
    return Effect(f"adds {' and '.join(names)}, if the client sends a certificate")


@preview("plugin")
def python_middleware(subject: Subject) -> Effect:
    """Say which function runs; a preview runs no code of users."""
    return Effect(f"runs {', '.join(subject.options)}, whose effect only a real request shows")


def _group(criterion: Mapping[str, Any] | None, source: Source) -> str:
    """Return words for what the requests that share a limit have in common."""
    if source is request_host:
        return "host"
    name = (criterion or {}).get("requestHeaderName")
    return f"value of {name}" if name else "client address"


def _value(value: str) -> str:
    return f" (here {value})" if value else ""
