"""Explains how a request is routed, or why it is not: pure functions of a configuration and a request."""
