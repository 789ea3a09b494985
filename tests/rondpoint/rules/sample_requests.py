"""Requests written in one line, and a check which of them a rule matches."""

from collections.abc import Iterable

from rondpoint.rules.evaluate import evaluate
from rondpoint.rules.expression import Expression
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.request_normalisation import (
    normalise_host,
    normalise_path,
    parse_header_lines,
    parse_query,
)


def facts_of(method: bytes, host: bytes, target: bytes, headers: bytes, client: str) -> Facts:
    """Return the facts of a request as received; each line of `headers` begins with CRLF."""
    return Facts(
        normalise_host(host),
        normalise_path(target),
        method.decode("latin-1"),
        parse_header_lines(headers),
        parse_query(target),
        client,
    )


def facts(sent: str) -> Facts:
    """Return the facts of `METHOD host/target`, or `host/target` for a GET."""
    method, _, rest = sent.rpartition(" ")
    host, slash, target = rest.partition("/")
    return facts_of((method or "GET").encode(), host.encode(), (slash + target).encode(), b"", "192.0.2.1")


def wrong_results(expression: Expression, matching: Iterable[str], not_matching: Iterable[str]) -> list[str]:
    """Return the requests that the expression should match but does not, or the other way round."""
    wrong = [sent for sent in matching if not evaluate(expression, facts(sent))]
    return wrong + [sent for sent in not_matching if evaluate(expression, facts(sent))]
