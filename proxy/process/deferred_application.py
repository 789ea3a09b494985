"""The admin application of a worker, which is imported and made when it is first needed."""

from __future__ import annotations

import logging
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import gevent

from proxy.exchange.errors import ClientGoneError
from proxy.http1.errors import RequestError
from rondpoint.internal_services import API, DASHBOARD, REST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flask import Flask

    from proxy.http1.request import Request
    from proxy.middlewares.step import Client
    from proxy.per_request.local_response import LocalResponse
    from proxy.runtime import Runtime

log = logging.getLogger(__name__)


class DeferredApplication:
    """Makes the admin application for the first request to it.

    Until then the process does without its libraries. `modules` are the large ones among them, in the order
    of their imports.
    """

    def __init__(self, modules: Sequence[str], make: Callable[[], Flask]) -> None:
        self._modules = modules
        self._make = make
        self._made: Flask | None = None
        self._runtime: Runtime | None = None

    def load(self) -> Flask:
        """Make the application if it is not made yet, and return it."""
        if self._made is None:
            self._made = self._make()
        self._made.config["RUNTIME"] = self._runtime
        if self._runtime is not None:
            self._made.config["APPLICATION_ROOT"] = self._runtime.settings.api.base_path
        return self._made

    def serve(self, runtime: Runtime) -> None:
        """Use the runtime of this worker for all requests."""
        self._runtime = runtime
        runtime.context.admin_application = self._respond
        for name in (API, DASHBOARD, REST):
            # Those of the context are off.
            runtime.context.internal_services.setdefault(name, partial(self._respond, service=name))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Run the application as WSGI. gunicorn takes only what can be called, and does not call it here."""
        return self.load()(environ, start_response)

    def _respond(self, request: Request, client: Client, service: str = "") -> LocalResponse:
        """Return the response, for a router if it names this `service`. Raises RequestError."""
        try:
            response: LocalResponse = self._load_in_steps().config["RESPOND"](request, client, service)
            return response
        except (ClientGoneError, RequestError):
            raise
        except Exception:
            log.exception("the admin application failed")
            raise RequestError(500, "") from None

    def _load_in_steps(self) -> Flask:
        """Do as `load`, and let other greenlets run after each of the modules."""
        if self._made is None:
            for name in self._modules:
                import_module(name)
                gevent.sleep()
        return self.load()
