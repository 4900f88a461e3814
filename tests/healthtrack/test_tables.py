"""The tables, as the catalogue of PostgreSQL describes them."""

import re
from textwrap import dedent
from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

COLUMNS = """
    tracker_models.model_id integer not null identity
    tracker_models.brand_name varchar(100) not null
    tracker_models.device_type varchar(50) not null
    tracker_models.model_name varchar(200) not null
    tracker_models.made_by_run bigint
        default (NULLIF(current_setting('healthtrack.run', true), ''))::bigint

    fitness_trackers.tracker_id integer not null identity
    fitness_trackers.model_id integer not null
    fitness_trackers.color varchar(100) not null default ''
    fitness_trackers.selling_price integer not null
    fitness_trackers.original_price integer not null
    fitness_trackers.display varchar(100) not null default ''
    fitness_trackers.rating numeric(2,1)
    fitness_trackers.strap_material varchar(100) not null default ''
    fitness_trackers.average_battery_life_days integer not null
    fitness_trackers.reviews integer
    fitness_trackers.made_by_run bigint
        default (NULLIF(current_setting('healthtrack.run', true), ''))::bigint

    medical_records.patient_id varchar(50) collate C not null
    medical_records.name varchar(200) not null
    medical_records.date_of_birth date not null
    medical_records.gender varchar(1) not null
    medical_records.medical_conditions varchar(4000) not null default ''
    medical_records.medications boolean not null
    medical_records.allergies varchar(4000) not null default ''
    medical_records.last_appointment_date date
    medical_records.tracker varchar(300) not null default ''
    medical_records.link_count smallint not null default 0
    medical_records.unlinked_model_ids integer[] not null default '{}'
    medical_records.made_by_run bigint
        default (NULLIF(current_setting('healthtrack.run', true), ''))::bigint

    medical_record_and_trackers.patient_id varchar(50) collate C not null
    medical_record_and_trackers.model_id integer not null
    medical_record_and_trackers.source varchar(6) not null default 'staff'
    medical_record_and_trackers.made_by_run bigint
        default (NULLIF(current_setting('healthtrack.run', true), ''))::bigint

    tracker_aliases.alias_id integer not null identity
    tracker_aliases.name varchar(300) not null
    tracker_aliases.created_at timestamp with time zone not null default statement_timestamp()
    tracker_aliases.created_by_id integer
    tracker_aliases.model_id integer not null
"""
PRIMARY_KEYS = """
    tracker_models (model_id)
    fitness_trackers (tracker_id)
    medical_records (patient_id)
    medical_record_and_trackers (patient_id, model_id)
    tracker_aliases (alias_id)
"""
# Deferred to the end of the transaction; nobody can delete a row in use.
FOREIGN_KEYS = """
    fitness_trackers (model_id) to tracker_models (model_id) deferred, on delete no action, on update no action
    medical_record_and_trackers (patient_id) to medical_records (patient_id)
        deferred, on delete no action, on update no action
    medical_record_and_trackers (model_id) to tracker_models (model_id)
        deferred, on delete no action, on update no action
    tracker_aliases (created_by_id) to auth_user (id) deferred, on delete no action, on update no action
    tracker_aliases (model_id) to tracker_models (model_id) deferred, on delete no action, on update no action
"""
CHECKS = """
    tracker_models_brand_name_not_blank
    tracker_models_device_type_not_blank
    tracker_models_model_name_not_blank

    fitness_trackers_average_battery_life_days_check
    fitness_trackers_original_price_check
    fitness_trackers_price_not_raised
    fitness_trackers_rating_0_to_5
    fitness_trackers_reviews_check
    fitness_trackers_selling_price_check

    medical_records_allergies_short
    medical_records_born_before_appointment
    medical_records_conditions_short
    medical_records_gender_known
    medical_records_link_count_check
    medical_records_name_not_blank
    medical_records_patient_id_not_blank

    medical_record_and_trackers_source_known

    tracker_aliases_name_not_blank
"""
# All indexes: each one serves a query or a constraint.
INDEXES = r"""
    tracker_models_pkey: unique (model_id)
    tracker_models_unique: unique (lower(brand_name), lower(model_name), lower(device_type))

    fitness_trackers_pkey: unique (tracker_id)
    fitness_trackers_unique: unique (model_id, lower(color), lower(display), lower(strap_material))

    medical_records_pkey: unique (patient_id)
    medical_records_allergies: gin (regexp_split_to_array(lower(allergies), '\s*,\s*')) WHERE NOT allergies = ''
    medical_records_birth: (date_of_birth, gender)
    medical_records_conditions: gin (regexp_split_to_array(lower(medical_conditions), '\s*,\s*'))
        WHERE NOT medical_conditions = ''
    medical_records_last_seen: (last_appointment_date NULLS FIRST, patient_id)
    medical_records_multilinked: (patient_id) WHERE link_count > 1
    medical_records_name_birth: (lower(name), date_of_birth) INCLUDE (name, patient_id)
    medical_records_name_words: gin (name_words(name))
    medical_records_number: (length(patient_id), patient_id)
    medical_records_tracker: (lower(tracker)) WHERE NOT tracker = ''
    medical_records_unlinked: (patient_id) INCLUDE (tracker) WHERE link_count = 0

    medical_record_and_trackers_pkey: unique (patient_id, model_id)
    medical_record_and_trackers_model_id_17e6e9a8: (model_id)

    tracker_aliases_pkey: unique (alias_id)
    tracker_aliases_unique: unique (lower(name))
"""
TRIGGERS = """
    tracker_models made_by_run_never_changes before update of each row
    tracker_models history_delete after delete
    tracker_models history_insert after insert
    tracker_models history_truncate before truncate
    tracker_models history_update after update
    tracker_models reports_changed after any change

    fitness_trackers made_by_run_never_changes before update of each row
    fitness_trackers history_delete after delete
    fitness_trackers history_insert after insert
    fitness_trackers history_truncate before truncate
    fitness_trackers history_update after update
    fitness_trackers reports_changed after any change

    medical_records made_by_run_never_changes before update of each row
    medical_records patient_id_never_changes before update of each row
    medical_records history_delete after delete
    medical_records history_insert after insert
    medical_records history_truncate before truncate
    medical_records history_update after update
    medical_records records_deleted after delete
    medical_records records_inserted after insert
    medical_records records_truncated after truncate
    medical_records records_updated after update
    medical_records reports_changed after any change

    medical_record_and_trackers made_by_run_never_changes before update of each row
    medical_record_and_trackers history_delete after delete
    medical_record_and_trackers history_insert after insert
    medical_record_and_trackers history_truncate before truncate
    medical_record_and_trackers history_update after update
    medical_record_and_trackers links_deleted after delete
    medical_record_and_trackers links_inserted after insert
    medical_record_and_trackers links_truncated after truncate
    medical_record_and_trackers links_updated after update
    medical_record_and_trackers reports_changed after any change

    tracker_aliases name_never_changes before update of each row
    tracker_aliases history_delete after delete
    tracker_aliases history_insert after insert
    tracker_aliases history_truncate before truncate
    tracker_aliases history_update after update
    tracker_aliases reports_changed after any change
"""
COMMENTS = {
    "tracker_models": "Tracker models by brand and name; each is sold in variants (fitness_trackers)",
    "fitness_trackers": "Variants of the tracker models: color, display, strap, prices, rating",
    "medical_records": "Medical records, one per patient: person, health and reported tracker",
    "medical_record_and_trackers": "Which patient uses which tracker model",
    "tracker_aliases": "Tracker names that staff resolved to a tracker model: misspelled, unknown or ambiguous ones",
}
# The tables in the order above, to join their columns, keys, indexes and triggers to.
_TABLES = """
    unnest(%s::text[]) WITH ORDINALITY AS named (table_name, place)
    JOIN pg_class AS class ON class.oid = table_name::regclass
"""


def rows(select: str, source: str = "", *, where: str = "true", order: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {select} FROM {_TABLES} {source} WHERE {where} ORDER BY place, {order}", [[*COMMENTS]])
        return list(cursor.fetchall())


def catalogue(select: str, source: str, *, where: str = "true", order: str) -> list[str]:
    """Return each row as a line, without the casts that PostgreSQL writes into expressions."""
    texts = [" ".join(part for part in row if part) for row in rows(select, source, where=where, order=order)]
    return [
        re.sub(r"::(varchar|text|integer)(\[\])?", "", line.replace("character varying", "varchar")) for line in texts
    ]


def lines(expected: str) -> list[str]:
    """Return the lines; an indented line continues the one before."""
    return list(filter(None, re.sub(r"\n +", " ", dedent(expected)).split("\n")))


def test_columns_have_their_names_order_types_collations_and_defaults() -> None:
    assert catalogue(
        """
        table_name || '.' || attname, format_type(atttypid, atttypmod),
        CASE WHEN attcollation <> typcollation THEN 'collate ' || collname END,
        CASE WHEN attnotnull THEN 'not null' END,
        CASE WHEN attidentity <> '' THEN 'identity' END,
        'default ' || pg_get_expr(adbin, adrelid)
        """,
        """
        JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped
        JOIN pg_type ON pg_type.oid = atttypid
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        """,
        order="attnum",
    ) == lines(COLUMNS)


def test_primary_keys_are_as_designed_and_that_of_links_is_composite() -> None:
    assert catalogue(
        "table_name, substring(pg_get_constraintdef(con.oid) FROM '\\(.*')",
        "JOIN pg_constraint AS con ON conrelid = class.oid",
        where="contype = 'p'",
        order="conname",
    ) == lines(PRIMARY_KEYS)


def test_foreign_keys_are_deferred_and_delete_nothing() -> None:
    assert catalogue(
        """
        table_name, '(' || source.attname || ')', 'to', confrelid::regclass::text, '(' || target.attname || ')',
        CASE WHEN condeferred THEN 'deferred,' END,
        'on delete ' || CASE confdeltype WHEN 'a' THEN 'no action' ELSE confdeltype::text END || ',',
        'on update ' || CASE confupdtype WHEN 'a' THEN 'no action' ELSE confupdtype::text END
        """,
        """
        JOIN pg_constraint AS con ON conrelid = class.oid AND cardinality(conkey) = 1
        JOIN pg_attribute AS source ON source.attrelid = conrelid AND source.attnum = conkey[1]
        JOIN pg_attribute AS target ON target.attrelid = confrelid AND target.attnum = confkey[1]
        """,
        where="contype = 'f' AND convalidated",
        order="source.attnum",
    ) == lines(FOREIGN_KEYS)


def test_checks_are_named_after_their_condition() -> None:
    assert catalogue(
        "conname",
        "JOIN pg_constraint ON conrelid = class.oid",
        where="contype = 'c' AND convalidated",
        order='conname COLLATE "C"',
    ) == lines(CHECKS)


def test_indexes_are_exactly_these() -> None:
    assert catalogue(
        """
        indexrelid::regclass || ':', CASE WHEN indisunique THEN 'unique' END,
        regexp_replace(pg_get_indexdef(indexrelid, 0, true), '^.* USING (btree )?', '')
        """,
        "JOIN pg_index ON indrelid = class.oid",
        where="indisvalid",
        order='NOT indisprimary, indexrelid::regclass::text COLLATE "C"',
    ) == lines(INDEXES)


def test_triggers_are_enabled_and_named_after_what_they_do() -> None:
    assert [
        re.sub(r"pgtrigger_(\w+)_[0-9a-f]{5} ", r"\1 ", line)
        for line in catalogue(
            """
            table_name, tgname, CASE WHEN tgtype & 2 > 0 THEN 'before' ELSE 'after' END,
            CASE tgtype & 60
                WHEN 4 THEN 'insert' WHEN 8 THEN 'delete' WHEN 16 THEN 'update' WHEN 32 THEN 'truncate'
                WHEN 60 THEN 'any change' END,
            CASE WHEN tgtype & 1 > 0 THEN 'of each row' END
            """,
            "JOIN pg_trigger ON tgrelid = class.oid",
            where="NOT tgisinternal AND tgenabled = 'O'",
            order='NOT tgtype & 1 > 0, tgname COLLATE "C"',
        )
    ] == lines(TRIGGERS)


def test_every_table_has_a_comment() -> None:
    assert dict(rows("table_name, obj_description(class.oid, 'pg_class')", order="table_name")) == COMMENTS


def test_every_column_has_a_comment() -> None:
    uncommented = rows(
        "attname",
        "JOIN pg_attribute ON attrelid = class.oid AND attnum > 0 AND NOT attisdropped",
        where="coalesce(col_description(class.oid, attnum), '') = ''",
        order="attnum",
    )
    assert uncommented == []


def test_every_view_and_its_columns_have_comments() -> None:
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT relname, obj_description(class.oid, 'pg_class') IS NOT NULL,
                   bool_and(col_description(class.oid, attnum) IS NOT NULL)
              FROM pg_class AS class JOIN pg_attribute ON attrelid = class.oid AND attnum > 0
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
             GROUP BY class.oid, relname
        """)
        assert sorted(cursor.fetchall()) == [("readings", True, True), ("tracker_model_names", True, True)]
