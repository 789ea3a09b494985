"""The admin application is made for its first request, while the worker goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gevent
from flask import Flask

from proxy.process.deferred_application import DeferredApplication
from proxy.runtime import Runtime
from rondpoint.internal_services import API, DASHBOARD, REST

_NAMES = (API, DASHBOARD, REST)
_MODULES = ("json", "json.decoder", "json.encoder")


class _Made:
    """Counts the applications that it makes."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Flask:
        self.count += 1
        app = Flask(__name__, static_folder=None)
        app.config["RESPOND"] = lambda _request, _client, service: service
        return app


def _runtime(**internal_services: Any) -> Runtime:
    context = SimpleNamespace(internal_services=internal_services)
    settings = SimpleNamespace(api=SimpleNamespace(base_path="/own"))
    return cast("Runtime", SimpleNamespace(context=context, settings=settings))


def _respond(runtime: Runtime) -> object:
    return runtime.context.internal_services[API](cast("Any", None), cast("Any", None))


def test_the_first_of_two_requests_at_once_makes_the_application() -> None:
    make = _Made()
    application = DeferredApplication(_MODULES, make)
    runtime = _runtime()
    application.serve(runtime)
    assert make.count == 0
    greenlets = [gevent.spawn(_respond, runtime) for _ in range(2)]
    gevent.joinall(greenlets)
    assert [greenlet.value for greenlet in greenlets] == [API, API]
    assert application.load().config["RUNTIME"] is runtime
    assert application.load().config["APPLICATION_ROOT"] == "/own"
    assert make.count == 1


def test_others_run_between_the_imports() -> None:
    application = DeferredApplication(_MODULES, _Made())
    runtime = _runtime()
    application.serve(runtime)
    runs = 0

    def others() -> None:
        nonlocal runs
        while not first.ready():
            runs += 1
            gevent.sleep()

    first = gevent.spawn(_respond, runtime)
    gevent.spawn(others).join()
    assert runs >= len(_MODULES)


def test_routers_reach_the_services_that_are_on() -> None:
    application = DeferredApplication((), _Made())
    runtime = _runtime(**{DASHBOARD: lambda *_: "off"})
    application.serve(runtime)
    services: dict[str, Any] = runtime.context.internal_services
    found = {name: services[name](None, None) for name in services}
    assert found == {name: name for name in _NAMES} | {DASHBOARD: "off"}
