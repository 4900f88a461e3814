"""A PostgreSQL server that HealthTrack starts by itself, for use on one machine."""

EMBEDDED_ENGINE = __name__  # the name of the backend in DATABASES
