"""The DNS providers: each creates and deletes TXT records by one API."""
