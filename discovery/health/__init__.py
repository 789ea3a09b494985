"""Active health checks: probes servers and turns their responses into server states."""
