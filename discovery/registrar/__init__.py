"""Docker's containers as services of Consul, as Registrator registers them."""
