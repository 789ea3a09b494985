"""The certificates of TLS clients, as texts for servers and logs, in the forms of Go and Traefik."""
