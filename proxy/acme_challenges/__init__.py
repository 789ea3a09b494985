"""Answers to ACME challenges, by which a CA checks who controls a name (RFC 8555 §8).

The leading agent writes them to the store. Any worker of any instance gives them to the CA.
"""
