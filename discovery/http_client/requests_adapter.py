"""HTTP connections of `requests` whose waiting calls another thread can interrupt."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter

from discovery.connections.keep_alive import KEEP_ALIVE
from discovery.http_client.open_sockets import OpenSockets


class InterruptibleAdapter(HTTPAdapter):
    """An HTTP adapter whose connections record their sockets in `sockets`."""

    def __init__(self, sockets: OpenSockets) -> None:
        self._sockets = sockets
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, socket_options=KEEP_ALIVE, **options)
        self._sockets.track(self.poolmanager)
