"""Obtains and renews certificates while this agent leads, and hands them to the publication loop."""
