"""The files of certificates resolvers: accounts and certificates in Traefik's format, `acme.json`."""
