"""Tables of what a client may send, each row with what must come back."""
