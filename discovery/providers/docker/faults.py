"""Why the engine could not be asked, and what would help."""

from __future__ import annotations

from discovery.providers.errors import ProviderError
from discovery.root_causes import causes

SETTING = "providers.docker.endpoint"

HINTS: tuple[tuple[type[BaseException], str], ...] = (
    (PermissionError, "let this user read and write the socket, for instance by its group `docker`"),
    (FileNotFoundError, "start the engine, mount its socket, or set {setting}"),
    (ConnectionRefusedError, "start the engine, or set {setting}"),
    (TimeoutError, "the engine is reached but does not answer in time"),
)


def to_provider_error(error: BaseException, endpoint: str, setting: str = SETTING) -> ProviderError:
    """The error to show for `error`, a fault while the engine at `endpoint` was asked something.

    `setting` is where users set the endpoint.
    """
    chain = list(causes(error))
    for cause in chain:
        for kind, hint in HINTS:
            if isinstance(cause, kind):
                reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
                return ProviderError(
                    f"the Docker engine at {endpoint} cannot be reached: {reason}",
                    hint.format(setting=setting),
                )
    return ProviderError(f"the Docker engine at {endpoint} cannot be asked: {error}")
