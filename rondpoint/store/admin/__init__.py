"""The API's routes in the store: the document, proposals of changes, their results and the history.

The proxy proposes a change and an agent decides: the proposal waits in the store until an agent validates it.
"""
