"""Creates certificates for servers on the loopback address."""

import subprocess
from pathlib import Path

_KEYS = {"ec": "ec -pkeyopt ec_paramgen_curve:prime256v1", "rsa": "rsa:2048"}


def write_certificate(path: Path, *names: str, key: str = "ec") -> Path:
    """Write a key and a self-signed certificate to one file at `path`.

    `names` are alternative names such as `DNS:a.test`, by default those of the loopback address. `key` is
    `ec` or `rsa`.
    """
    command = f"openssl req -x509 -nodes -newkey {_KEYS[key]} -days 2 -subj /CN=origin".split()
    alternative = ",".join(names or ("DNS:localhost", "IP:127.0.0.1"))
    command += ["-addext", f"subjectAltName={alternative}", "-keyout", str(path), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path
