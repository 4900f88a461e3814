"""Rows as CSV and XLSX files."""
