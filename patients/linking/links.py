"""Link patients to the tracker models that their reported tracker means: in SQL, many patients at once.

A link that staff made or removed stays as it is until the patient's reported tracker means something else.
"""

from collections.abc import Sequence

from django.db import connection, transaction

from healthtrack.core.appearance import look_the_same
from trackers.links import LinkCounts

# Two concurrent transactions that add a patient and a model don't see each other's row, so the two would stay unlinked.
# So transactions that change models hold this lock exclusively, and those that change patients share it.
_LINKING_LOCK = 0x48544C4B  # any number that no other advisory lock has
_LOCK_FOR_PATIENTS = f"SELECT pg_advisory_xact_lock_shared({_LINKING_LOCK})"
_LOCK_FOR_MODELS = f"SELECT pg_advisory_xact_lock({_LINKING_LOCK})"

_DROP_ALL_LINKS = "DELETE FROM medical_record_and_trackers WHERE patient_id = ANY(%(patients)s)"
_FORGET_UNLINKED = """
    UPDATE medical_records SET unlinked_model_ids = '{}'
     WHERE patient_id = ANY(%(patients)s) AND unlinked_model_ids <> '{}'
"""
_LINKS_BY_NAME = """
    INSERT INTO medical_record_and_trackers (patient_id, model_id, source)
    SELECT record.patient_id, named.model_id, 'import'
      FROM medical_records AS record
      JOIN tracker_model_names AS named ON named.name = lower(record.tracker)
     WHERE record.patient_id = ANY(%(patients)s)
"""
_LINK_PATIENTS = f"{_LINKS_BY_NAME} ON CONFLICT DO NOTHING"

_DROP_OUTDATED_LINKS = """
    DELETE FROM medical_record_and_trackers AS link
     USING medical_records AS record
     WHERE link.model_id = ANY(%(models)s)
       AND link.source = 'import'
       AND record.patient_id = link.patient_id
       AND NOT EXISTS (SELECT FROM tracker_model_names AS named
                        WHERE named.model_id = link.model_id AND named.name = lower(record.tracker))
"""
_WAITING = """
      FROM tracker_model_names AS named
      JOIN medical_records AS record ON record.tracker <> '' AND lower(record.tracker) = named.name
     WHERE named.model_id = ANY(%(models)s)
       AND named.model_id <> ALL(record.unlinked_model_ids)
       AND NOT EXISTS (SELECT FROM medical_record_and_trackers AS link
                        WHERE link.patient_id = record.patient_id AND link.model_id = named.model_id)
"""
_LINK_WAITING = f"""
    INSERT INTO medical_record_and_trackers (patient_id, model_id, source)
    SELECT record.patient_id, named.model_id, 'import' {_WAITING}
    ON CONFLICT DO NOTHING
"""
_COUNT_WAITING = f"""
    WITH matches AS (
        SELECT name, count(DISTINCT brand) AS brands FROM tracker_model_names GROUP BY name
    ), waiting AS (
        SELECT DISTINCT record.patient_id, named.name {_WAITING}
    )
    SELECT (SELECT count(*) FROM waiting),
           (SELECT count(*) FROM medical_records AS record
             WHERE tracker <> '' AND NOT EXISTS (SELECT FROM matches WHERE name = lower(record.tracker))),
           (SELECT count(*) FROM waiting JOIN matches USING (name) WHERE brands > 1)
"""  # noqa: S608 (a constant of this module)

_DROP_UNMATCHED_LINKS = """
    DELETE FROM medical_record_and_trackers AS link
     USING medical_records AS record
     WHERE record.patient_id = ANY(%(patients)s) AND link.patient_id = record.patient_id AND link.source = 'import'
       AND NOT EXISTS (SELECT FROM tracker_model_names AS named
                        WHERE named.model_id = link.model_id AND named.name = lower(record.tracker))
"""
_LINK_MATCHES = f"{_LINKS_BY_NAME} AND named.model_id <> ALL(record.unlinked_model_ids) ON CONFLICT DO NOTHING"

# Patients are locked before their links, in the same order as when staff change both.
_RELINK_NAMES = """
    WITH reporting AS (
        SELECT patient_id, lower(tracker) AS name, unlinked_model_ids
          FROM medical_records
         WHERE tracker <> '' AND lower(tracker) IN (SELECT lower(name) FROM unnest(%(names)s::text[]) AS name)
         ORDER BY patient_id FOR NO KEY UPDATE
    ), outdated AS (
        DELETE FROM medical_record_and_trackers AS link
         USING reporting
         WHERE link.patient_id = reporting.patient_id
           AND link.source = 'import'
           AND NOT EXISTS (SELECT FROM tracker_model_names AS named
                            WHERE named.model_id = link.model_id AND named.name = reporting.name)
    )
    INSERT INTO medical_record_and_trackers (patient_id, model_id, source)
    SELECT patient_id, model_id, 'import'
      FROM reporting JOIN tracker_model_names AS named USING (name)
     WHERE model_id <> ALL(unlinked_model_ids)
    ON CONFLICT DO NOTHING
"""


def another_tracker_meant(old: str, new: str) -> str:
    """Return the SQL condition that two reported trackers mean different models. One without a match means itself."""
    old, new = f"lower({old})", f"lower({new})"
    models = "SELECT array_agg(model_id ORDER BY model_id) FROM tracker_model_names WHERE name ="
    return f"""
        ({old} <> {new} AND NOT ({look_the_same(old, new)}) AND coalesce(({models} {old}) <> ({models} {new}), true))
    """


def means_another_tracker(old: str, new: str) -> bool:
    """Return whether a reported tracker means another model, or none, after this change."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {another_tracker_meant('%(old)s::text', '%(new)s::text')}",
            {"old": old, "new": new},
        )
        return bool(cursor.fetchone()[0])


def wait_for_models() -> None:
    """Wait for transactions that change tracker models, and hold off new ones until this transaction ends.

    Call it before the transaction writes its first row, so that all transactions take their locks in the same order.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_FOR_PATIENTS)


@transaction.atomic(savepoint=False)
def relink(patient_ids: Sequence[str]) -> None:
    """Replace all links of these patients, including those by staff, by the matches of their reported trackers.

    Call it after the reported trackers have changed to something that means another tracker.
    """
    with connection.cursor() as cursor:
        for statement in (_LOCK_FOR_PATIENTS, _DROP_ALL_LINKS, _FORGET_UNLINKED, _LINK_PATIENTS):
            cursor.execute(statement, {"patients": list(patient_ids)})


@transaction.atomic(savepoint=False)
def update_import_links(patient_ids: Sequence[str]) -> None:
    """Link these patients to the current matches of their reported trackers, and leave what staff linked or unlinked.

    An undo calls it for the records that it restores: names may have been resolved since.
    """
    with connection.cursor() as cursor:
        for statement in (_LOCK_FOR_PATIENTS, _DROP_UNMATCHED_LINKS, _LINK_MATCHES):
            cursor.execute(statement, {"patients": list(patient_ids)})


@transaction.atomic(savepoint=False)
def link_waiting_patients(model_ids: Sequence[int]) -> None:
    """Link these new or renamed models to the patients whose reported tracker matches, and remove outdated links."""
    with connection.cursor() as cursor:
        for statement in (_LOCK_FOR_MODELS, _DROP_OUTDATED_LINKS, _LINK_WAITING):
            cursor.execute(statement, {"models": list(model_ids)})


@transaction.atomic(savepoint=False)
def relink_names(names: Sequence[str]) -> None:
    """Link the patients who report these trackers again, after staff resolved the names or undid that."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_FOR_MODELS)
        cursor.execute(_RELINK_NAMES, {"names": list(names)})


def count_waiting_patients(model_ids: Sequence[int]) -> LinkCounts:
    """Count what `link_waiting_patients` would link, and all patients with an unmatched tracker; change nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_WAITING, {"models": list(model_ids)})
        return LinkCounts(*cursor.fetchone())
