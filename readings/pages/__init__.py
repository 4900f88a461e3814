"""The pages of readings."""
