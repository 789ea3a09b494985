"""The exchange of one request and its response between a client's and a server's connection."""
