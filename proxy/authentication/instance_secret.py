"""A random secret that the workers of one instance share."""

from __future__ import annotations

import os
from datetime import UTC, datetime

INSTANCE_SECRET = os.urandom(32)
"""Workers inherit it from the master, which imports this module before it forks them."""

INSTANCE_START = datetime.now(UTC).replace(microsecond=0)
"""Inherited likewise: when the master started."""
