"""Certificates as the API and the dashboard show them: what they contain, their status, who uses them."""
