"""The triggers that maintain medical_records.link_count and patient_counts.

Every form of the anti-join of patients and links is slow. So each record stores its number of links, and a partial
index finds the records without any. Each trigger handles all rows that a statement changed, and writes only where the
number is wrong: an import that fills in the right number pays only for the comparison.

Each statement adds the differences that it makes to the counts of patients: see `patients.models.count_triggers`.
"""

import pgtrigger

from patients.models.count_triggers import ADD_CHANGED, ADD_INSERTED, RECOUNT_ALL, SUBTRACT_DELETED, add_linked

# The planner knows the length of an array, so it finds a few rows by the index even where an import has switched off
# joins by index. The statement is executed as text because PL/pgSQL would cache a plan for an array of any length: one
# made while the table was empty would go through an array of thousands for every row.
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
# Two concurrent transactions that link the same patient must count one after the other. Each statement of a trigger
# function sees what was committed before it, so the second one counts the links of the first once it has the lock.
# An import writes links before their patients; then there is nothing to lock or count.
_OF_LINKS = f"""
    touched := ARRAY({{touched}});
    EXECUTE 'SELECT FROM medical_records WHERE patient_id = ANY ($1) ORDER BY patient_id FOR NO KEY UPDATE'
        USING touched;
    GET DIAGNOSTICS locked = ROW_COUNT;
    IF locked > 0 THEN {_RECOUNT} {{add}} END IF;
    RETURN NULL;
"""
# Triggers fire for statements that change no row too: without this condition an update by the trigger would never end.
# EXCEPT rather than a join, because the planner does not know the sizes and might choose a nested loop.
_CHANGED = (
    "SELECT patient_id FROM (SELECT patient_id, {columns} FROM new_records"
    " EXCEPT SELECT patient_id, {columns} FROM old_records) AS changed"
)
_COUNTED = "medical_conditions, tracker"
_OF_UPDATED_RECORDS = f"""
    touched := ARRAY({_CHANGED.format(columns=f"link_count, {_COUNTED}")});
    IF touched <> '{{}}' THEN
        {_RECOUNT}
        touched := ARRAY({_CHANGED.format(columns=_COUNTED)});
        IF touched <> '{{}}' THEN {ADD_CHANGED} END IF;
    END IF;
    RETURN NULL;
"""
# Most inserted records have the right number. The transition table shows whether any does not, so that the many records
# that an import has just written need not be read.
_OF_INSERTED_RECORDS = f"""
    touched := ARRAY(SELECT patient_id FROM new_records);
    {ADD_INSERTED}
    IF is_wrong THEN {_RECOUNT} END IF;
    RETURN NULL;
"""  # noqa: S608 (constants)
_OF_DELETED_RECORDS = f"""
    touched := ARRAY(SELECT patient_id FROM old_records);
    IF touched <> '{{}}' THEN {SUBTRACT_DELETED} END IF;
    RETURN NULL;
"""  # noqa: S608 (constants)


def _trigger(
    name: str, operation: pgtrigger.Operation, func: str, *, old: str | None = None, new: str | None = None
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=operation,
        referencing=pgtrigger.Referencing(old=old, new=new),
        declare=[("touched", "text[]"), ("locked", "bigint"), ("is_wrong", "boolean")],
        func=func,
    )


links_inserted = _trigger(
    "links_inserted",
    pgtrigger.Insert,
    _OF_LINKS.format(touched="SELECT patient_id FROM new_links", add=add_linked(new="new_links")),
    new="new_links",
)
links_deleted = _trigger(
    "links_deleted",
    pgtrigger.Delete,
    _OF_LINKS.format(touched="SELECT patient_id FROM old_links", add=add_linked(old="old_links")),
    old="old_links",
)
links_updated = _trigger(
    "links_updated",
    pgtrigger.Update,
    _OF_LINKS.format(
        touched="SELECT patient_id FROM old_links UNION SELECT patient_id FROM new_links",
        add=add_linked(old="old_links", new="new_links"),
    ),
    old="old_links",
    new="new_links",
)
links_truncated = pgtrigger.Trigger(
    name="links_truncated",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Truncate,
    func=f"UPDATE medical_records SET link_count = 0 WHERE link_count <> 0; {RECOUNT_ALL}; RETURN NULL;",  # noqa: S608 (constants)
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
records_deleted = _trigger(
    "records_deleted",
    pgtrigger.Delete,
    _OF_DELETED_RECORDS,
    old="old_records",
)
records_truncated = pgtrigger.Trigger(
    name="records_truncated",
    level=pgtrigger.Statement,
    when=pgtrigger.After,
    operation=pgtrigger.Truncate,
    func=f"{RECOUNT_ALL}; RETURN NULL;",
)
