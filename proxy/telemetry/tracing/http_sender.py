"""OTLP over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from proxy.telemetry.tracing.delivery import TIMEOUTS, Delivery
from proxy.telemetry.tracing.partial_success import parse_response
from rondpoint import __version__

if TYPE_CHECKING:
    from rondpoint.settings.tree.tracing import OtlpHttp

_FORM = "application/x-protobuf"

# What the protocol says may be sent again.
_RETRYABLE = frozenset((429, 502, 503, 504))


class HttpSender:
    """Keeps its connection."""

    def __init__(self, options: OtlpHttp) -> None:
        self.endpoint = options.url
        tls = options.tls
        self._session = session = requests.Session()
        session.headers.update(
            {
                **options.headers,
                "Content-Type": _FORM,
                "Content-Encoding": "gzip",
                "User-Agent": f"rondpoint/{__version__}",
            }
        )
        session.verify = False if tls.insecure_skip_verify else str(tls.ca) if tls.ca else True
        if tls.cert is not None:
            session.cert = (str(tls.cert), str(tls.key)) if tls.key else str(tls.cert)

    def send(self, body: bytes) -> Delivery:
        try:
            answer = self._session.post(self.endpoint, body, timeout=TIMEOUTS)
        except (requests.RequestException, OSError) as error:
            return Delivery(str(error), retryable=True)
        if answer.ok:
            # The protocol has answers in the form of their requests; others say nothing to us.
            ours = answer.headers.get("Content-Type", "").startswith(_FORM)
            return parse_response(answer.content) if ours else Delivery()
        return Delivery(f"it answers {answer.status_code}", retryable=answer.status_code in _RETRYABLE)
