"""The import of readings from files, in the life cycle that all imports share."""
