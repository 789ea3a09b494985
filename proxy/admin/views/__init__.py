"""Pure functions that convert objects of the model to the structures of Traefik's API."""
