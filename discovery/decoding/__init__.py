"""What every decoder shares: its result, values as users write them, and how faults are told."""
