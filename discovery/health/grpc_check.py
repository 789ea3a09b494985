"""The call of a gRPC health check, `grpc.health.v1.Health/Check`, and what its response means."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from discovery.health.check_response import ResponseError
from rondpoint.grpc_statuses import status_name

METHOD_PATH = "/grpc.health.v1.Health/Check"

EMPTY_MESSAGE = bytes(5)
"""A request about the server as a whole: a message without fields, after its flag and length."""

_PREFIX_BYTES = 5
_UNIMPLEMENTED = 12
_SERVING = 1
_SERVING_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
# The message's only field: number 1, of protobuf's type varint.
_STATUS_TAG = 0x08


def call_fields(timeout: float, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of the call besides the pseudo-header fields; `timeout` is in seconds."""
    fields = {
        "te": "trailers",
        "content-type": "application/grpc",
        "grpc-timeout": f"{max(1, int(timeout * 1000))}m",
        "user-agent": "rondpoint",
    }
    return fields | {name.lower(): value for name, value in metadata.items()}


def call_fault(fields: Mapping[str, str], content: bytes) -> str:
    """Return why a response fails the check; empty if it passes. Raises ResponseError if it is not gRPC."""
    found = fields.get("grpc-status", "")
    if not (found.isascii() and found.isdigit()):
        raise ResponseError(f"its response is not gRPC: status {fields.get(':status', '')}")
    number = int(found)
    if number == _UNIMPLEMENTED:
        return "it does not implement gRPC's health checks"
    if number:
        text = unquote(fields.get("grpc-message", ""))
        return f"gRPC status {status_name(number)}{': ' if text else ''}{text}"
    status = _serving_status(content)
    return "" if status == _SERVING else f"its health status is {_status_text(status)}"


def _serving_status(content: bytes) -> int:
    """Return the status in the response's message. Raises ResponseError."""
    message = content[_PREFIX_BYTES:]
    if content[:1] != b"\0" or int.from_bytes(content[1:_PREFIX_BYTES], "big") != len(message):
        raise ResponseError("its response has no message")
    # Protobuf leaves out a field with the value 0.
    if not message:
        return 0
    if len(message) != 2 or message[0] != _STATUS_TAG or message[1] > 0x7F:
        raise ResponseError("its response is no HealthCheckResponse")
    return message[1]


def _status_text(status: int) -> str:
    return _SERVING_STATUSES[status] if status < len(_SERVING_STATUSES) else str(status)
