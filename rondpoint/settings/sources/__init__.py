"""The sources of settings, one module each: each returns `WrittenSetting` objects without validating them."""
