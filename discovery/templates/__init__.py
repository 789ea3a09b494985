"""A subset of Go's template language, for default rules and dynamic files."""
