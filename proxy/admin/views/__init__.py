"""What the API shows of objects in force, as values: pure, from the model to Traefik's words."""
