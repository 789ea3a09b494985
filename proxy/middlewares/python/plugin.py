"""The middleware plugin: a middleware in Python that is installed beside Rondpoint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from proxy.middlewares.python.proxied_request import ProxiedRequest
from proxy.middlewares.python.python_call import Failed, PythonCall
from proxy.middlewares.python.python_response import (
    apply_result,
    fail,
    local_response,
    public_response,
    refusal,
)
from proxy.middlewares.step import Client, CompileScope, Step, scoped_kind
from proxy.net.client_gone import ClientGoneError
from proxy.per_request.extras import extras_of

if TYPE_CHECKING:
    from proxy.http1.request import Request
    from proxy.http1.response_head import ResponseHead
    from rondpoint.middleware.definition import Handle


@scoped_kind("plugin")
def plugin(options: Mapping[str, Any], scope: CompileScope) -> Step:
    """Run the installed Python middleware that `options` name, with its options."""
    if len(options) != 1:
        raise ValueError(f"plugin needs the name of one Python middleware, not {len(options)}")
    ((name, written),) = options.items()
    definition = scope.installed.find(name)
    handle = definition.bind(_as_mapping(name, written))

    return partial(_run, scope.name, handle)


def _as_mapping(name: str, written: object) -> Mapping[str, Any]:
    """Return the options of a middleware; a label can give none only as `plugin.NAME=true`."""
    if isinstance(written, Mapping):
        return written
    if written in (None, True, "") or str(written).lower() == "true":
        return {}
    raise ValueError(f"expected options below plugin.{name}")


def _run(name: str, handle: Handle, request: Request, client: Client) -> None:
    value = ProxiedRequest(request, client)
    call = PythonCall(name, handle, value)
    client.awaiting = call
    try:
        outcome = call.start()
    finally:
        client.awaiting = None
    if outcome is None:
        extras = extras_of(client)
        extras.reads_body = True
        extras.at_response(partial(_change_response, call, request, client))
        extras.call_at_end(call.end)
        return
    if client.gone:
        raise ClientGoneError
    value.abandon_body()
    value.apply_username()
    if isinstance(outcome, Failed):
        raise refusal(name, outcome.error)
    raise local_response(name, outcome, client)


def _change_response(call: PythonCall, request: Request, client: Client, head: ResponseHead) -> None:
    """Let `forward` return the response, and apply what the function makes of it."""
    if call.ended:
        # The response could not be sent, and an error of the proxy's own takes its place.
        return
    source = None if request.method == b"HEAD" else head.open_body()
    given = public_response(head, source)
    received = given.headers
    outcome = call.resume(given)
    try:
        if isinstance(outcome, Failed):
            fail(call.name, head, outcome.error)
        else:
            apply_result(call.name, head, received, given, source, outcome, client)
    # What the function has made may be of any type.
    except Exception as error:  # noqa: BLE001
        fail(call.name, head, error)
