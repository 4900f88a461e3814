"""The triggers that keep medical_records.link_count true.

The anti-join of patients and links is slow however it is written, so the number of links stands on the record, where
a partial index finds those without any. Each trigger works on the whole set of rows that a statement touched, and
writes only where the number is wrong: an import that fills it in rightly pays for the comparison alone.
"""

import pgtrigger

# The rows are named by an array, of which the planner knows how long it is: few are found by the index even where
# joins by index are switched off, as in an import. Executed as text, for a plan that a session keeps is made for an
# array of any length: on a table that it saw empty, one of many thousands is then searched through for every row.
_RECOUNT = """
    EXECUTE $statement$
        UPDATE medical_records AS record
           SET link_count = coalesce(counted.links, 0)
          FROM unnest($1) AS one (patient_id)
          LEFT JOIN (SELECT patient_id, count(*) AS links FROM medical_record_and_trackers
                      WHERE patient_id = ANY ($1) GROUP BY patient_id) AS counted USING (patient_id)
         WHERE record.patient_id = one.patient_id
           AND record.patient_id = ANY ($1)
           AND record.link_count <> coalesce(counted.links, 0)
        $statement$ USING touched;
"""
# Two transactions that link one patient at once must count one after the other: each statement of a trigger
# function sees what was committed before it, so the second counts the first one's links once it holds the lock.
# An import writes the links before their patients, of whom none is found yet.
_OF_LINKS = f"""
    touched := ARRAY({{touched}});
    EXECUTE 'SELECT FROM medical_records WHERE patient_id = ANY ($1) ORDER BY patient_id FOR NO KEY UPDATE'
        USING touched;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked > 0 THEN {_RECOUNT} END IF;
    RETURN NULL;
"""
# A statement that touches no row fires too: without the condition an update by this trigger would never end.
# Not a join: of two sets whose sizes the planner cannot know it may make a nested loop.
_CHANGED = (
    "SELECT patient_id FROM (SELECT patient_id, link_count FROM new_records"
    " EXCEPT SELECT patient_id, link_count FROM old_records) AS changed"
)
_OF_UPDATED_RECORDS = f"""
    touched := ARRAY({_CHANGED});
    IF touched <> '{{}}' THEN {_RECOUNT} END IF;
    RETURN NULL;
"""
# Most inserted records hold the right number. The transition table shows which do not, without a look at the records
# themselves, of which an import has just written very many.
_OF_INSERTED_RECORDS = f"""
    touched := ARRAY(SELECT patient_id FROM new_records);
    EXECUTE $statement$
        SELECT array_agg(record.patient_id)
          FROM new_records AS record
          LEFT JOIN (SELECT patient_id, count(*) AS links FROM medical_record_and_trackers
                      WHERE patient_id = ANY ($1) GROUP BY patient_id) AS counted USING (patient_id)
         WHERE record.link_count <> coalesce(counted.links, 0)
        $statement$ INTO touched USING touched;
    IF touched IS NOT NULL THEN {_RECOUNT} END IF;
    RETURN NULL;
"""  # noqa: S608 (a constant of this module)


def _trigger(
    name: str, operation: pgtrigger.Operation, func: str, *, old: str | None = None, new: str | None = None
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(old=old, new=new),
        declare=[("touched", "text[]"), ("locked", "bigint")],
        func=func,
    )


links_inserted = _trigger(
    "links_inserted",
    pgtrigger.Insert,
    _OF_LINKS.format(touched="SELECT patient_id FROM new_links"),
    new="new_links",
)
links_deleted = _trigger(
    "links_deleted",
    pgtrigger.Delete,
    _OF_LINKS.format(touched="SELECT patient_id FROM old_links"),
    old="old_links",
)
links_updated = _trigger(
    "links_updated",
    pgtrigger.Update,
    _OF_LINKS.format(touched="SELECT patient_id FROM old_links UNION SELECT patient_id FROM new_links"),
    old="old_links",
    new="new_links",
)
links_truncated = pgtrigger.Trigger(
    name="links_truncated",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Truncate,
    func="UPDATE medical_records SET link_count = 0 WHERE link_count <> 0; RETURN NULL;",
)
records_inserted = _trigger(
    "records_inserted",
    pgtrigger.Insert,
    _OF_INSERTED_RECORDS,
    new="new_records",
)
records_updated = _trigger(
    "records_updated",
    pgtrigger.Update,
    _OF_UPDATED_RECORDS,
    old="old_records",
    new="new_records",
)
