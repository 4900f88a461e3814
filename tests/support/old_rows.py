"""Rows as earlier versions of the program stored them."""

from django.db import connection


def store_gaps_as_before() -> None:
    """Store all gaps in 64 bits, as rows had them before there was a column `small_gaps`."""
    with connection.cursor() as cursor:
        for table in ("reading_days", "reading_contributions"):
            cursor.execute(
                f"UPDATE {table} SET gaps = small_gaps::bigint[], small_gaps = NULL WHERE small_gaps IS NOT NULL"
            )
