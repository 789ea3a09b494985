"""The values that the dashboard's templates render."""
