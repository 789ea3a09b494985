"""What the dashboard's templates are given."""
