"""Running the service: limits on what comes in, the database, logging."""
