"""What only some requests need: cookies, retries, steps on the response, and calls at the end."""
