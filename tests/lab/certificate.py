"""Creates a certificate for servers on the loopback address."""

import subprocess
from pathlib import Path

_COMMAND = (
    "openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=origin"
)


def write_certificate(path: Path) -> Path:
    """Write a key and a self-signed certificate for 127.0.0.1 and localhost to one file at `path`."""
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = [*_COMMAND.split(), *names, "-keyout", str(path), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path
