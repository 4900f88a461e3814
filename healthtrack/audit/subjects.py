"""The subjects that changes concern, as the models with a history declare them."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Model

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.audit.models import Change
from healthtrack.audit.triggers import (
    OWN_KEY,
    Subject,
    get_program_history,
    history_of,
    recorded_models,
    tracked_models,
)


def get_changed_model(change: Change) -> type[Model]:
    """Return the model of the changed row."""
    return recorded_models()[change.table_name]


def get_changed_key(change: Change) -> dict[str, Any]:
    """Return the key of the changed row, or of the account or role concerned: the value of each of its columns."""
    model = get_changed_model(change)
    if recording := history_of(model).recording:
        return {recording.column: change.row_id}
    if program := get_program_history(model):
        return {program.subjects[0].column: getattr(change, program.subjects[0].stored_in)}
    return {key: getattr(change, get_stored_column(model, key)) for key in key_columns(model)}


def key_columns(model: type[Model]) -> list[str]:
    """Return the columns of the model's primary key."""
    return [str(key.column) for key in model._meta.pk_fields]


def get_stored_column(model: type[Model], key: str) -> str:
    """Return the column of `changes` that holds this column of the model's key."""
    return next((each.stored_in for each in history_of(model).subjects if each.column == key), OWN_KEY)


def get_subject(model: type[Model]) -> Subject | None:
    """Return the subject that is the model's only key, or None: for patients, that of the records."""
    return next((each for each in history_of(model).subjects if [each.column] == key_columns(model)), None)


def get_access_logged_model() -> type[Model] | None:
    """Return the model whose rows the access log names: that of the records."""
    subjects = ((model, get_subject(model)) for model in tracked_models().values())
    return next((model for model, subject in subjects if subject and subject.is_access_logged), None)


def is_named_by_key(model: type[Model]) -> bool:
    """Return whether the history names rows of this model by their key, and not by str()."""
    subject = get_subject(model) if model in tracked_models().values() else None
    return subject is not None and subject.is_named_by_key


def models_recorded_for(model: type[Model]) -> list[type[Model]]:
    """Return the models whose changes concern accounts or roles, if this is the model of these."""
    concerned = ((each, history_of(each).recording) for each in tracked_models().values())
    return [each for each, recording in concerned if recording and recording.concerns == model._meta.label]


def models_about(subject: Subject) -> Iterator[type[Model]]:
    """Yield the models whose changes appear on the subject's history page."""
    for model in recorded_models().values():
        if tuple(history_of(model).subjects[:1]) == (subject,):
            yield model


def record_access_to_changes(changes: Iterable[Change]) -> None:
    """Record for the access log that these changes were shown, if they concern patients."""
    record_patient_access(dict.fromkeys(key for change in changes for key in _access_logged(change)))


def _access_logged(change: Change) -> Iterator[str]:
    for subject in history_of(get_changed_model(change)).subjects:
        key = getattr(change, subject.stored_in)
        if subject.is_access_logged and key is not None:
            yield str(key)
