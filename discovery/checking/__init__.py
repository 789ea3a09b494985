"""What files come to, without starting anything: for `rondpoint check`."""
