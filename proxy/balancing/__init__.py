"""Balancing strategies, weight schedules, sticky cookies, and the tickets that all workers share."""
