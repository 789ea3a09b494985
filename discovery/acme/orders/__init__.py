"""The conversation with a CA: account, order, challenges, certificate, renewal information."""
