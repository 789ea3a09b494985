"""Tests with Rondpoint's images; one process builds the images for all of them."""
