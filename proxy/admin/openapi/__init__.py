"""The OpenAPI document, built from a table of operations and the types of the responses."""

from proxy.admin.openapi.document import document

__all__ = ["document"]
