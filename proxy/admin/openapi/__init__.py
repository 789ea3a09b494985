"""The OpenAPI document: a table of operations, and schemas made from the types that are answered with."""

from proxy.admin.openapi.document import document

__all__ = ["document"]
