"""What needs Rondpoint's own images, which one process builds for all tests here."""
