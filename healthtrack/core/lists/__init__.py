"""Lists on pages: the lists of the admin, and logs page by page."""
