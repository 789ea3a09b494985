"""Middlewares: steps that change or refuse a request between router and service.

A kind of middleware is a function that reads its options once and returns a `Step`. The steps of a router run
one after the other, before a server is chosen. A step changes the request, or refuses it with RequestError.

`step.py` defines what a kind is, and `chains.py` compiles the steps of each router. Kinds with one idea share
a folder.
"""
