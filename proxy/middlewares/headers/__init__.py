"""The middleware headers: custom headers, cross-origin requests and security headers."""
