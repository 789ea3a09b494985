"""The values of parsed requests and responses, by name."""

from proxy.http1.request import Request
from proxy.http1.response import Response


def request_values(request: Request) -> dict[str, object]:
    """Return all values of a request."""
    return {
        "method": request.method,
        "target": request.target,
        "host": request.host,
        "version": request.version,
        "headers": request.headers,
        "size": request.size,
        "content_length": request.content_length,
        "chunked": request.chunked,
        "keep_alive": request.keep_alive,
        "upgrade": request.upgrade,
        "kind": request.kind,
    }


def response_values(response: Response) -> dict[str, object]:
    """Return all values of a response."""
    return {
        "head": response.head,
        "size": response.size,
        "status": response.status,
        "length": response.length,
        "keep_alive": response.keep_alive,
        "upgrade": response.upgrade,
    }
