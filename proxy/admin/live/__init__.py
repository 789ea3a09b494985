"""Figures that move while somebody looks: what all workers count, as differences from second to second."""
