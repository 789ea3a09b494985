"""The middleware compress: chooses a content coding, and encodes the body of a response."""
