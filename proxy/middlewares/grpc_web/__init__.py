"""The middleware grpcWeb: lets browsers call gRPC servers, whose trailers they cannot read."""
