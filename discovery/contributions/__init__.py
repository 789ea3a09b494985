"""Contributions of several agents to one store: writes, follows and combines them."""
