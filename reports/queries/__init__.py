from patients.filters import Records


def is_everybody(records: Records) -> bool:
    return not (records.query.where or records.query.is_empty())
