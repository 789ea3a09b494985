"""Services as the data path finds them: made ready when first asked for, and replaced in place."""
