"""What changes concern, as the models with a history declare it."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Model

from healthtrack.audit.access_recorder import saw
from healthtrack.audit.models import Change
from healthtrack.audit.triggers import OWN_KEY, Subject, history_of, tracked_models


def model_of(change: Change) -> type[Model]:
    return tracked_models()[change.table_name]


def key_of(change: Change) -> dict[str, Any]:
    """Return the changed row's key: each of its columns with the value."""
    model = model_of(change)
    return {key: getattr(change, stored_in(model, key)) for key in key_columns(model)}


def key_columns(model: type[Model]) -> list[str]:
    return [str(key.column) for key in model._meta.pk_fields]


def stored_in(model: type[Model], key: str) -> str:
    """Return the column of `changes` that holds this column of the model's key."""
    return next((each.stored_in for each in history_of(model).subjects if each.column == key), OWN_KEY)


def subject_of(model: type[Model]) -> Subject | None:
    """Return the subject whose rows the model holds: it is the model's only key."""
    return next((each for each in history_of(model).subjects if [each.column] == key_columns(model)), None)


def is_named_by_key(model: type[Model]) -> bool:
    subject = subject_of(model) if model in tracked_models().values() else None
    return subject is not None and subject.is_named_by_key


def models_about(subject: Subject) -> Iterator[type[Model]]:
    """Yield the models whose changes the subject's history page tells of."""
    for model in tracked_models().values():
        if history_of(model).subjects[:1] == (subject,):
            yield model


def record_seen(changes: Iterable[Change]) -> None:
    """Put into the access log that these changes were shown, as far as they concern a subject that it is about."""
    saw(dict.fromkeys(key for change in changes for key in _access_logged(change)))


def _access_logged(change: Change) -> Iterator[str]:
    for subject in history_of(model_of(change)).subjects:
        key = getattr(change, subject.stored_in)
        if subject.is_access_logged and key is not None:
            yield str(key)
