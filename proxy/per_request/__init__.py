"""State that only some requests need: cookies, retries, and calls at the end of an exchange."""
