"""Search patients by number, name or date of birth."""
