"""The list of records in the admin: its pages, order, counts and sidebar."""
