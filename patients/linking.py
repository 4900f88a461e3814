"""Links patients to the tracker models that their stated tracker names, as sets, in SQL.

A link that staff made or removed is left alone until the patient's stated tracker changes.
"""

from collections.abc import Sequence

from django.db import connection, transaction

from trackers.links import LinkCounts

# A patient and a model that come in two transactions at once don't see each other, and would stay unlinked. So models
# wait for the transactions that bring patients, and these for those of models; patients don't wait for patients.
_LINKING_LOCK = 0x48544C4B  # any number, the same for both
_BEFORE_PATIENTS = f"SELECT pg_advisory_xact_lock_shared({_LINKING_LOCK})"
_BEFORE_MODELS = f"SELECT pg_advisory_xact_lock({_LINKING_LOCK})"

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
    WITH answers AS (
        SELECT name, count(DISTINCT brand) AS brands FROM tracker_model_names GROUP BY name
    ), waiting AS (
        SELECT DISTINCT record.patient_id, named.name {_WAITING}
    )
    SELECT (SELECT count(*) FROM waiting),
           (SELECT count(*) FROM medical_records AS record
             WHERE tracker <> '' AND NOT EXISTS (SELECT FROM answers WHERE name = lower(record.tracker))),
           (SELECT count(*) FROM waiting JOIN answers USING (name) WHERE brands > 1)
"""  # noqa: S608 (a constant of this module)

_DROP_UNNAMED = """
    DELETE FROM medical_record_and_trackers AS link
     USING medical_records AS record
     WHERE record.patient_id = ANY(%(patients)s) AND link.patient_id = record.patient_id AND link.source = 'import'
       AND NOT EXISTS (SELECT FROM tracker_model_names AS named
                        WHERE named.model_id = link.model_id AND named.name = lower(record.tracker))
"""
_LINK_NAMED = f"{_LINKS_BY_NAME} AND named.model_id <> ALL(record.unlinked_model_ids) ON CONFLICT DO NOTHING"

# A patient is locked before the links, as when staff change both at once.
_RELINK_NAMES = """
    WITH stating AS (
        SELECT patient_id, lower(tracker) AS name, unlinked_model_ids
          FROM medical_records
         WHERE tracker <> '' AND lower(tracker) IN (SELECT lower(name) FROM unnest(%(names)s::text[]) AS name)
         ORDER BY patient_id FOR NO KEY UPDATE
    ), outdated AS (
        DELETE FROM medical_record_and_trackers AS link
         USING stating
         WHERE link.patient_id = stating.patient_id
           AND link.source = 'import'
           AND NOT EXISTS (SELECT FROM tracker_model_names AS named
                            WHERE named.model_id = link.model_id AND named.name = stating.name)
    )
    INSERT INTO medical_record_and_trackers (patient_id, model_id, source)
    SELECT patient_id, model_id, 'import'
      FROM stating JOIN tracker_model_names AS named USING (name)
     WHERE model_id <> ALL(unlinked_model_ids)
    ON CONFLICT DO NOTHING
"""


def wait_for_models() -> None:
    """To be called before the first row of a transaction that will relink is written: locks are taken in this order."""
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE_PATIENTS)


@transaction.atomic(savepoint=False)
def relink(patient_ids: Sequence[str]) -> None:
    """Starts these patients' links anew from their stated trackers, as when these have just changed."""
    with connection.cursor() as cursor:
        for statement in (_BEFORE_PATIENTS, _DROP_ALL_LINKS, _FORGET_UNLINKED, _LINK_PATIENTS):
            cursor.execute(statement, {"patients": list(patient_ids)})


@transaction.atomic(savepoint=False)
def follow_names(patient_ids: Sequence[str]) -> None:
    """Gives these patients, put back as they once were, the links that their stated trackers stand for by now."""
    with connection.cursor() as cursor:
        for statement in (_BEFORE_PATIENTS, _DROP_UNNAMED, _LINK_NAMED):
            cursor.execute(statement, {"patients": list(patient_ids)})


@transaction.atomic(savepoint=False)
def link_waiting_patients(model_ids: Sequence[int]) -> None:
    """Links these models, new or renamed, to the patients who state their names, and to no others."""
    with connection.cursor() as cursor:
        for statement in (_BEFORE_MODELS, _DROP_OUTDATED_LINKS, _LINK_WAITING):
            cursor.execute(statement, {"models": list(model_ids)})


@transaction.atomic(savepoint=False)
def relink_names(names: Sequence[str]) -> None:
    """Gives the patients who state these names, settled or let go, the links that the names now stand for."""
    with connection.cursor() as cursor:
        cursor.execute(_BEFORE_MODELS)
        cursor.execute(_RELINK_NAMES, {"names": list(names)})


def count_waiting_patients(model_ids: Sequence[int]) -> LinkCounts:
    """What `link_waiting_patients` would link, and how many patients' stated trackers no model answers to."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_WAITING, {"models": list(model_ids)})
        return LinkCounts(*cursor.fetchone())
