"""What this proxy is called in the store; made in the master, and so the same in every worker."""

from __future__ import annotations

import secrets
import socket
from time import time

HOST = socket.gethostname()

INSTANCE = f"{HOST}-{secrets.token_hex(3)}"
"""A proxy that starts anew is another one: what it counts starts from nothing."""

STARTED_AT = time()
"""When it began, in Unix seconds."""
