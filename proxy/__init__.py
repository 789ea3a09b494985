"""The proxy that clients connect to: gunicorn workers, HTTP data path, routing, balancing, administration."""
