"""State that only some requests need: cookies, retries, and callbacks at the end of an exchange."""
