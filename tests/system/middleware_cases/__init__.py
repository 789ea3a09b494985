"""Cases for middlewares: the same options and requests for Traefik 3 and Rondpoint, by families."""
