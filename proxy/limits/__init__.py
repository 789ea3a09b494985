"""Limits that the workers of an instance share."""
