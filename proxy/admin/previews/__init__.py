"""Says what the middlewares of a route would do to a request, with their own steps and without any effect."""
