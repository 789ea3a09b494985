"""One request and its answer: everything between a client's connection and a server's."""
