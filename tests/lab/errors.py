"""The exception of the lab."""


class LabError(Exception):
    """A part of the lab is missing or did not start; the text names it, the reason, and the remedy."""
