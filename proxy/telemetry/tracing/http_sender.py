"""Sends spans by OTLP over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from proxy.telemetry.tracing.delivery import TIMEOUTS, Delivery
from proxy.telemetry.tracing.partial_success import parse_response
from rondpoint import __version__

if TYPE_CHECKING:
    from rondpoint.settings.tree.tracing import OtlpHttp

_CONTENT_TYPE = "application/x-protobuf"

# The retryable statuses of OTLP.
_RETRYABLE = frozenset((429, 502, 503, 504))


class HttpSender:
    """Posts spans to the collector over persistent connections."""

    def __init__(self, options: OtlpHttp) -> None:
        self.endpoint = options.url
        tls = options.tls
        self._session = session = requests.Session()
        session.headers.update(
            {
                **options.headers,
                "Content-Type": _CONTENT_TYPE,
                "Content-Encoding": "gzip",
                "User-Agent": f"rondpoint/{__version__}",
            }
        )
        session.verify = False if tls.insecure_skip_verify else str(tls.ca) if tls.ca else True
        if tls.cert is not None:
            session.cert = (str(tls.cert), str(tls.key)) if tls.key else str(tls.cert)

    def send(self, body: bytes) -> Delivery:
        try:
            response = self._session.post(self.endpoint, body, timeout=TIMEOUTS)
        except (requests.RequestException, OSError) as error:
            return Delivery(str(error), retryable=True)
        if response.ok:
            # An OTLP response has the content type of its request; ignore any other content.
            is_otlp = response.headers.get("Content-Type", "").startswith(_CONTENT_TYPE)
            return parse_response(response.content) if is_otlp else Delivery()
        return Delivery(
            f"it responds with status {response.status_code}", retryable=response.status_code in _RETRYABLE
        )
