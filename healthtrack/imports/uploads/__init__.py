"""Uploaded files: receive, store and copy them."""
