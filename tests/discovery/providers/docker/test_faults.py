import docker.errors
import pytest
import requests
import urllib3

from discovery.providers.docker.faults import to_provider_error


def wrapped(cause: BaseException) -> BaseException:
    """As the SDK and requests do: in arguments, in arguments of arguments, and as a cause."""
    inner = urllib3.exceptions.ProtocolError("Connection aborted.", cause)
    outer = docker.errors.DockerException("Error while fetching server API version")
    outer.__cause__ = requests.ConnectionError(inner)
    return outer


# A root user is never denied, so that the permission fault is made here.
@pytest.mark.parametrize(
    ("cause", "message", "hint"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied", "group `docker`"),
        (FileNotFoundError(2, "No such file or directory"), "No such file", "start the engine"),
        (ConnectionRefusedError(111, "Connection refused"), "refused", "start the engine"),
    ],
)
def test_the_cause_beneath_is_told_with_what_would_help(
    cause: BaseException, message: str, hint: str
) -> None:
    error = to_provider_error(wrapped(cause), "unix:///x.sock")
    assert "unix:///x.sock" in error.message
    assert message in error.message
    assert hint in error.hint


def test_another_fault_is_told_as_it_is() -> None:
    error = to_provider_error(docker.errors.DockerException("server error"), "tcp://h:1")
    assert error.message == "a request to the Docker engine at tcp://h:1 failed: server error"
