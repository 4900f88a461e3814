"""The SQL by which triggers maintain patient_counts: how many patients have the same conditions or tracker, and models.

Each statement adds the differences that it makes as new rows, so writers never wait for each other, and the sums are
those of exactly the patients whom a snapshot contains. What a patient counts as follows from the record and its links.
A trigger of links subtracts what the patients of the links counted as before, and adds what they count as now. Links
without a record count nothing: imports write them first, and the record counts with them once it is inserted.

Two transactions that change one patient count one after the other, because both lock the record before they read it.
"""

_LINKS = "medical_record_and_trackers"
_THEIR_LINKS = f"{_LINKS} WHERE patient_id = ANY ($1)"
_THEIR_RECORDS = "medical_records WHERE patient_id = ANY ($1)"


def _states(records: str, links: str, patients: int) -> str:
    """Return the query for what these records count as with these links, `patients` times: 1 or -1."""
    return f"""
        SELECT record.patient_id, record.link_count, record.medical_conditions, record.tracker,
               coalesce(linked.model_ids, '{{}}') AS model_ids, linked.imported, {patients} AS patients
          FROM (SELECT * FROM {records}) AS record
          LEFT JOIN (SELECT patient_id, array_agg(model_id ORDER BY model_id) AS model_ids,
                            array_agg(model_id ORDER BY model_id) FILTER (WHERE source = 'import') AS imported
                       FROM {links} GROUP BY patient_id) AS linked USING (patient_id)
    """  # noqa: S608 (our own names)


# By tracker, only patients who may need a decision count: those without a link, and those with several by imports.
_ADD = """
        INSERT INTO patient_counts (what, label, model_ids, patients)
        SELECT 'conditions', medical_conditions, model_ids, sum(patients)
          FROM states GROUP BY 2, 3 HAVING sum(patients) <> 0
         UNION ALL
        SELECT 'tracker', tracker, coalesce(imported, '{}'), sum(patients)
          FROM states WHERE model_ids = '{}' OR cardinality(imported) > 1
         GROUP BY 2, 3 HAVING sum(patients) <> 0
"""


def _add(*states: str) -> str:
    """Return the statement of a trigger function that adds these states of the patients in `touched`."""
    with_states = f"WITH states AS MATERIALIZED ({' UNION ALL '.join(states)})"
    return f"EXECUTE $statement$ {with_states} {_ADD} $statement$ USING touched;"


def add_linked(*, old: str = "", new: str = "") -> str:
    """Return the statement for the triggers of links, which know the deleted links as `old`, the inserted as `new`."""
    columns = "SELECT patient_id, model_id, source FROM"
    inserted = f"EXCEPT {columns} {new}" if new else ""
    deleted = f"UNION ALL {columns} {old}" if old else ""
    before = f"({columns} {_THEIR_LINKS} {inserted} {deleted}) AS links"
    return _add(_states(_THEIR_RECORDS, before, -1), _states(_THEIR_RECORDS, _THEIR_LINKS, 1))


ADD_CHANGED = _add(
    _states("old_records WHERE patient_id = ANY ($1)", _THEIR_LINKS, -1),
    _states("new_records WHERE patient_id = ANY ($1)", _THEIR_LINKS, 1),
)

# A set of up to three models, all linked by imports, is known by its lowest and highest number and the sum.
_SETS_OF_ALIKE = """
                       SELECT CASE links WHEN 1 THEN ARRAY[lowest]
                                         WHEN 2 THEN ARRAY[lowest, highest]
                                         WHEN 3 THEN ARRAY[lowest, (total - lowest - highest)::integer, highest]
                                         ELSE '{}' END AS model_ids"""


def _group_alike(records: str, sign: str) -> str:
    return f"""
            SELECT medical_conditions, tracker, links, lowest, highest, total,
                   CASE WHEN links > 3 OR any_by_staff THEN record.patient_id END AS patient_id,
                   {sign}count(*) AS patients, bool_or(link_count <> coalesce(links, 0)) AS is_wrong
              FROM {records} AS record
              LEFT JOIN (SELECT patient_id, count(*) AS links, min(model_id) AS lowest, max(model_id) AS highest,
                                sum(model_id) AS total, bool_or(source <> 'import') AS any_by_staff
                           FROM {_THEIR_LINKS} GROUP BY patient_id) AS linked USING (patient_id)
             GROUP BY 1, 2, 3, 4, 5, 6, 7"""  # noqa: S608 (our own names)


def _add_many(records: str, sign: str = "") -> str:
    """Return the statement of a trigger function that adds these records; with the sign "-" it subtracts them.

    Imports insert many records, and undos delete them, so most are grouped before arrays are built. The statement also
    says in `is_wrong` whether any link_count is wrong, so that the links are read only once.
    """
    return f"""
    EXECUTE $statement$
        WITH alike AS MATERIALIZED ({_group_alike(records, sign)}
        ), states AS (
            SELECT medical_conditions, tracker, model_ids, model_ids AS imported, patients
              FROM alike, LATERAL ({_SETS_OF_ALIKE}) AS sets
             WHERE patient_id IS NULL
             UNION ALL
            SELECT medical_conditions, tracker, array_agg(model_id ORDER BY model_id),
                   array_agg(model_id ORDER BY model_id) FILTER (WHERE source = 'import'), {sign}1
              FROM alike JOIN {_LINKS} USING (patient_id)
             WHERE patient_id = ANY (ARRAY(SELECT patient_id FROM alike WHERE patient_id IS NOT NULL))
             GROUP BY patient_id, 1, 2
        ), added AS ({_ADD})
        SELECT bool_or(is_wrong) FROM alike
        $statement$ INTO is_wrong USING touched;
"""  # noqa: S608 (our own names)


ADD_INSERTED = _add_many("new_records")
SUBTRACT_DELETED = _add_many("old_records", "-")
# One statement, so that it replaces exactly the rows that stand for the records which it sees. Differences of
# transactions that end meanwhile are added to them.
RECOUNT_ALL = f"""
    WITH gone AS (DELETE FROM patient_counts), states AS ({_states("medical_records", _LINKS, 1)}) {_ADD}
"""  # noqa: S608 (our own names)
