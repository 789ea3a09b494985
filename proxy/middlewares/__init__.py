"""What happens to a request between router and service.

A kind of middleware is a function that reads its options, once, and gives a `Step`; a router's steps are
called in turn, ahead of the choice of a server. A step changes the request that it is given, or refuses it by
RequestError.
"""
