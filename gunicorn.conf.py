"""`gunicorn -c gunicorn.conf.py` runs the proxy as `rondpoint proxy` does: all settings are Rondpoint's."""

from proxy.process.gunicorn_settings import gunicorn_settings

globals().update(gunicorn_settings())
