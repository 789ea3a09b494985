"""Routes that the API defines: what is stored of them, what is asked for, and what was before.

The proxy asks and the agent decides: a proposal lies in the store until an agent has judged it.
"""
