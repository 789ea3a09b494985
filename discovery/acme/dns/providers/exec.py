"""The provider `exec`: runs a program of the user's that creates and deletes records."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from contextlib import suppress

from discovery.acme.dns.errors import ConfigurationError, ProviderError, StoppedError
from discovery.acme.dns.providers.contract import Setup
from discovery.acme.dns.records import ChallengeRecord
from discovery.acme.dns.timing import Timing, read_timing
from discovery.connections.stopping import on_stop

PREFIX = "EXEC"
MAX_SHOWN = 500
"""Characters of a failed program's output in the error: the last ones."""

_log = logging.getLogger(__name__)
_turn = threading.Lock()
"""Held while a program runs: a script that changes a file expects to be alone, as with lego."""


class Exec:
    """Runs `EXEC_PATH present NAME VALUE`, and with `cleanup` in place of `present`.

    With EXEC_MODE=RAW the arguments are `present -- DOMAIN TOKEN KEY_AUTHORIZATION`. No shell reads them. The
    program may run as long as records may take to appear; then it is killed with its children.
    """

    one_value = False
    timeout_variable = f"{PREFIX}_PROPAGATION_TIMEOUT"

    def __init__(self, setup: Setup) -> None:
        """Read the variables. Raises ConfigurationError if there is no program."""
        self.timing: Timing = read_timing(setup.environment, Timing(), PREFIX)
        self._stop = setup.stop
        self._program = setup.environment.text("EXEC_PATH")
        if not self._program:
            raise ConfigurationError("EXEC_PATH is not set", "set it to a program that creates the record")
        self._raw = setup.environment.text("EXEC_MODE") == "RAW"

    def present(self, record: ChallengeRecord) -> None:
        """Have the program create the record."""
        with _turn:
            self._run("present", record)

    def clean_up(self, record: ChallengeRecord) -> None:
        """Have the program delete the record."""
        with _turn:
            self._run("cleanup", record)

    def _run(self, action: str, record: ChallengeRecord) -> None:
        challenge = record.challenge
        arguments = (
            [action, "--", challenge.name, challenge.token, challenge.key_authorization]
            if self._raw
            else [action, record.name, record.value]
        )
        try:
            process = subprocess.Popen(  # noqa: S603 - the program is a setting, and no shell reads the arguments
                [self._program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ConfigurationError(f"EXEC_PATH: cannot run {self._program}: {reason}") from None
        output = self._wait(process, action).decode("utf-8", "replace").strip()
        _log.debug("%s %s: %s", self._program, action, output)
        if self._stop.is_set() and process.returncode == -signal.SIGKILL:
            raise StoppedError(f"{self._program} {action} was interrupted")
        if process.returncode != 0:
            raise ProviderError(
                f"{self._program} {action} ended with status {process.returncode}"
                + (f": {output[-MAX_SHOWN:]}" if output else "")
            )

    def _wait(self, process: subprocess.Popen[bytes], action: str) -> bytes:
        def kill() -> None:
            # It leads a process group of its own, so its children end with it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        with on_stop(self._stop, kill):
            try:
                return process.communicate(timeout=self.timing.propagation_timeout)[0]
            except subprocess.TimeoutExpired:
                kill()
                process.communicate()
                raise ProviderError(
                    f"{self._program} {action} did not end within {self.timing.propagation_timeout:g} s",
                    "set EXEC_PROPAGATION_TIMEOUT to more seconds",
                ) from None
