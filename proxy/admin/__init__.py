"""The admin entry point: a Flask application with `/ping`, the API and the dashboard.

It reads the proxy; the proxy never reads it. `endpoints/` handles the requests, with one file for each family
of paths. `views/` and `pages/` shape the responses.
"""

from proxy.admin.application import create_app

__all__ = ["create_app"]
