"""Form fields, widgets and formsets that several apps use."""
