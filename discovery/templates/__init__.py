"""The part of Go's template language in which default rules are written."""
