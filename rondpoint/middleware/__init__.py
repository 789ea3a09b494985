"""Middlewares in Python: the decorator that defines one, and the values that it works with."""

from __future__ import annotations

from rondpoint.middleware.body import BodyError
from rondpoint.middleware.definition import Forward, middleware
from rondpoint.middleware.headers import Headers
from rondpoint.middleware.request import Request
from rondpoint.middleware.response import Response

__all__ = ["BodyError", "Forward", "Headers", "Request", "Response", "middleware"]
