class LabError(Exception):
    """A part of the lab cannot be had or did not come up; the text says which, why, and how to get it."""
