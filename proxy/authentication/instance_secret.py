"""A random secret that the workers of one instance share."""

from __future__ import annotations

import os

INSTANCE_SECRET = os.urandom(32)
"""Workers inherit it from the master, which imports this module before it forks them."""
