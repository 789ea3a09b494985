"""The admin entry point: a Flask application with ping, API and dashboard; it reads the proxy.

`endpoints/` answers requests, a file for each family of paths. The other files say in what words.
"""

from proxy.admin.application import create_app

__all__ = ["create_app"]
