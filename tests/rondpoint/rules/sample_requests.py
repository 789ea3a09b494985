"""Requests in one line, and which of them a rule holds for."""

from collections.abc import Iterable

from rondpoint.rules.evaluate import evaluate
from rondpoint.rules.expression import Expression
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.request_normalisation import headers_of, normalise_host, normalise_path, query_of


def facts_of(method: bytes, host: bytes, target: bytes, headers: bytes, client: str) -> Facts:
    """From a request as received; `headers` are lines that begin with CRLF each."""
    return Facts(
        normalise_host(host),
        normalise_path(target),
        method.decode("latin-1"),
        headers_of(headers),
        query_of(target),
        client,
    )


def facts(sent: str) -> Facts:
    """Of `METHOD host/target`, or `host/target` for a GET."""
    method, _, rest = sent.rpartition(" ")
    host, slash, target = rest.partition("/")
    return facts_of((method or "GET").encode(), host.encode(), (slash + target).encode(), b"", "192.0.2.1")


def misjudged(expression: Expression, held: Iterable[str], not_held: Iterable[str]) -> list[str]:
    """Requests for which the expression does not hold although it should, or the other way round."""
    wrong = [sent for sent in held if not evaluate(expression, facts(sent))]
    return wrong + [sent for sent in not_held if evaluate(expression, facts(sent))]
