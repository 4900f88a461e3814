"""Who changed a row last. It is one statement, because it is part of a page that people open often."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.db.models import Model

from healthtrack.audit.models import Change
from healthtrack.audit.presentation import COMMAND_LINE, get_actor_name
from healthtrack.audit.registry import insertions
from healthtrack.audit.subjects import get_subject, models_about
from healthtrack.audit.triggers import MADE_BY_RUN

# Without a change, only the run that inserted the row is known.
_LATEST = """
SELECT latest.*, inserted.run AS inserted_by
  FROM (SELECT max(run) AS run FROM ({inserted}) AS inserted (run)) AS inserted
  LEFT JOIN LATERAL (
       SELECT changes.*, (SELECT name FROM account_names
                           WHERE account_id = person_id AND (since IS NULL OR since <= changed_at)
                           ORDER BY name_id DESC LIMIT 1) AS person_name
         FROM changes
        WHERE {stored_in} = %(key)s AND table_name IN ({tables})
        ORDER BY changed_at DESC, change_id DESC LIMIT 1) AS latest ON true
"""


@dataclass(frozen=True)
class LatestChange:
    """When a row or what belongs to it changed, and who did that."""

    at: datetime
    who: str


def find_latest_change(row: Model) -> LatestChange | None:
    """Return the latest change of the row or of what belongs to it, or None. The row must be one with a subject."""
    (change,) = Change.objects.raw(_make_statement(type(row)), {"key": row.pk})
    latest = LatestChange(change.changed_at, get_actor_name(change)) if change.pk else None
    run: int | None = change.inserted_by  # type: ignore[attr-defined]  # a column of the statement
    inserted = insertions({run}).get(run) if run and run > (change.run_id or 0) else None
    if inserted and (latest is None or inserted.at > latest.at):
        return LatestChange(inserted.at, inserted.person or COMMAND_LINE)
    return latest


@cache
def _make_statement(model: type[Model]) -> str:
    subject = get_subject(model)
    if subject is None:
        raise TypeError(f"{model.__name__} has no subject.")
    models = list(models_about(subject))
    inserted = [
        f"SELECT {MADE_BY_RUN} FROM {each._meta.db_table} WHERE {subject.column} = %(key)s"  # noqa: S608  (names of a model)
        for each in models
        if any(field.name == MADE_BY_RUN for field in each._meta.fields)
    ]
    return _LATEST.format(
        inserted=" UNION ALL ".join(inserted),
        stored_in=subject.stored_in,
        tables=", ".join(f"'{each._meta.db_table}'" for each in models),
    )
