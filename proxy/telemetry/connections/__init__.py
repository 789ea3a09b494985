"""Counts TCP connections and UDP sessions by router and server, and writes the counts to the store."""
