"""The life cycle of runs: open, check, apply, end and undo them, for workers and commands."""
