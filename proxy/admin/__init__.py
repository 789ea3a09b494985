"""The admin entry point: a Flask application with ping, API and dashboard; it reads the proxy."""

from proxy.admin.application import create_app

__all__ = ["create_app"]
