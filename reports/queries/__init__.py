from patients.filters.records import Records


def is_everybody(records: Records) -> bool:
    """Return whether the query has no filters."""
    return not (records.query.where or records.query.is_empty())
