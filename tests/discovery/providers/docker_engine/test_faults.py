import docker.errors
import pytest
import requests
import urllib3

from discovery.providers.docker_engine.faults import to_provider_error


def wrapped(cause: BaseException) -> BaseException:
    """Wrap a cause as the SDK and requests do: in arguments, in arguments of arguments, and as a cause."""
    inner = urllib3.exceptions.ProtocolError("Connection aborted.", cause)
    outer = docker.errors.DockerException("Error while fetching server API version")
    outer.__cause__ = requests.ConnectionError(inner)
    return outer


# Root is never refused, so the test makes the permission error itself.
@pytest.mark.parametrize(
    ("cause", "message", "hint"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied", "group `docker`"),
        (FileNotFoundError(2, "No such file or directory"), "No such file", "start the engine"),
        (ConnectionRefusedError(111, "Connection refused"), "refused", "start the engine"),
    ],
)
def test_the_root_cause_is_reported_with_a_hint(cause: BaseException, message: str, hint: str) -> None:
    error = to_provider_error(wrapped(cause), "unix:///x.sock")
    assert "unix:///x.sock" in error.message
    assert message in error.message
    assert hint in error.hint


def test_any_other_error_is_reported_as_it_is() -> None:
    error = to_provider_error(docker.errors.DockerException("server error"), "tcp://h:1")
    assert error.message == "a request to the Docker engine at tcp://h:1 failed: server error"
