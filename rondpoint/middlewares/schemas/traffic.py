"""Schemas of middlewares that limit, buffer or retry requests."""

from __future__ import annotations

from rondpoint.middlewares.options import Group, Option, Secrecy, group, kind
from rondpoint.middlewares.readers import (
    amount,
    between,
    breaker_expression,
    retry_expression,
    seconds,
    statuses,
    switch,
    text,
    texts,
    whole,
)
from rondpoint.middlewares.schemas.shared import client_tls, source_criterion

_MEBIBYTE = 1 << 20

_REDIS = group(
    endpoints=Option(texts, default=("localhost:6379",)),
    tls=client_tls(),
    username=Option(text, default="", secrecy=Secrecy.HIDDEN),
    password=Option(text, default="", secrecy=Secrecy.HIDDEN),
    db=Option(amount, default=0),
    poolSize=Option(amount, default=0),
    minIdleConns=Option(amount, default=0),
    maxActiveConns=Option(amount, default=0),
    readTimeout=Option(seconds, default=3.0),
    writeTimeout=Option(seconds, default=3.0),
    dialTimeout=Option(seconds, default=5.0),
)

KINDS: dict[str, Group] = {
    "buffering": kind(
        {
            "maxRequestBodyBytes": Option(amount, default=0),
            "memRequestBodyBytes": Option(amount, default=_MEBIBYTE),
            "maxResponseBodyBytes": Option(amount, default=0),
            "memResponseBodyBytes": Option(amount, default=_MEBIBYTE),
            "retryExpression": Option(retry_expression, default=""),
        },
        guards=True,
    ),
    "circuitBreaker": kind(
        {
            "expression": Option(breaker_expression, required=True),
            "checkPeriod": Option(seconds, default=0.1),
            "fallbackDuration": Option(seconds, default=10.0),
            "recoveryDuration": Option(seconds, default=10.0),
            "responseCode": Option(between(200, 599), default=503),
        }
    ),
    "inFlightReq": kind(
        {"amount": Option(amount, required=True), "sourceCriterion": source_criterion()}, guards=True
    ),
    "rateLimit": kind(
        {
            "average": Option(amount, default=0),
            "period": Option(seconds, default=1.0),
            "burst": Option(amount, default=1),
            "sourceCriterion": source_criterion(),
            "redis": _REDIS,
        },
        guards=True,
    ),
    "retry": kind(
        {
            "attempts": Option(between(1, 1_000_000), required=True),
            "timeout": Option(seconds, default=0.0),
            "initialInterval": Option(seconds, default=0.0),
            "maxRequestBodyBytes": Option(whole, default=2 * _MEBIBYTE),
            "status": Option(statuses, default=()),
            "disableRetryOnNetworkError": Option(switch, default=False),
            "retryNonIdempotentMethod": Option(switch, default=False),
        }
    ),
}
