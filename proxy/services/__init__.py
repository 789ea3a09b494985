"""Services as the data path uses them: built at their first request, and replaced in place."""
