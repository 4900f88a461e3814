"""Changes of several records in one step that can be undone: merges and bulk actions."""
