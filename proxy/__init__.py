"""What faces the internet: the gunicorn worker, the HTTP data path, routing, balancing, administration."""
