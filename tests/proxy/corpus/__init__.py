"""Bytes that must not pass: tables of cases, tried on the parsers alone and on a running worker."""
