"""HealthTrack; `__version__` is the only place that states the version, and pyproject.toml reads it from here."""

__version__ = "0.1.0"
