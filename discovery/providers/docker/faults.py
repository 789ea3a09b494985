"""Why the engine could not be asked, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.providers.errors import ProviderError

HINTS: tuple[tuple[type[BaseException], str], ...] = (
    (PermissionError, "let this user read and write the socket, for instance by its group `docker`"),
    (FileNotFoundError, "start the engine, mount its socket, or set providers.docker.endpoint"),
    (ConnectionRefusedError, "start the engine, or set providers.docker.endpoint"),
    (TimeoutError, "the engine is reached but does not answer in time"),
)


def explained(error: BaseException, endpoint: str) -> ProviderError:
    """The error to show for `error`, a fault while the engine at `endpoint` was asked something."""
    chain = list(_causes(error))
    for cause in chain:
        for kind, hint in HINTS:
            if isinstance(cause, kind):
                reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
                return ProviderError(f"the Docker engine at {endpoint} cannot be reached: {reason}", hint)
    return ProviderError(f"the Docker engine at {endpoint} cannot be asked: {error}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and all beneath it: the SDK and requests wrap in causes, in contexts and in arguments."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        beneath = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [each for each in beneath if isinstance(each, BaseException)]
