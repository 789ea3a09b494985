"""Parts of all connections to the outside: addresses, keep-alive, backoff, interruption, and errors."""
