"""The name of this proxy in the store; the master makes it, so every worker has the same."""

from __future__ import annotations

import secrets
import socket
from time import time

HOST = socket.gethostname()

INSTANCE = f"{HOST}-{secrets.token_hex(3)}"
"""A restarted proxy has another name, because its counts start at zero."""

STARTED_AT = time()
"""Start time of the proxy in Unix seconds."""
