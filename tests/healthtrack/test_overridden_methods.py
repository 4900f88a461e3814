"""Django and other packages may change their private API in any release: these tests notice it at an upgrade.

HealthTrack overrides or uses each method listed here. docs/upgrading.md says where and why.
"""

import inspect
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pgtrigger
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ImproperlyConfigured
from django.core.servers.basehttp import WSGIRequestHandler, get_internal_wsgi_application
from django.db import OperationalError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import CheckConstraint, Field, Index, UniqueConstraint
from django.forms.models import BaseModelForm, BaseModelFormSet
from django.template.utils import get_app_template_dirs
from django.test import TransactionTestCase
from import_export.admin import ExportMixin
from pgtrigger.apps import register_triggers_from_meta
from pgtrigger.registry import _registry as registry
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager

from healthtrack.accounts.models import Session
from healthtrack.accounts.sign_in import sessions
from patients.models import MedicalRecord

PACKAGES = ("healthtrack", "patients", "readings", "reports", "trackers")
# The directories in which HealthTrack has templates of its own, which replace nobody else's.
OWN_TEMPLATES = ("admin/patients/", "admin/trackers/")

OVERRIDDEN: list[tuple[Callable[..., Any], tuple[str, ...]]] = [
    (BaseModelForm._post_clean, ("self",)),  # type: ignore[attr-defined]  # private: the reason for this test
    (BaseModelFormSet._get_to_python, ("self", "field")),  # type: ignore[attr-defined]  # private: the reason for this test
    (ChangeList._get_deterministic_ordering, ("self", "ordering")),  # type: ignore[attr-defined]  # private: the reason for this test
    (DatabaseWrapper._nodb_cursor, ("self",)),
    (ExportMixin._do_file_export, ("self", "file_format", "request", "queryset", "export_form")),
    (ModelAdmin._get_obj_does_not_exist_redirect, ("self", "request", "opts", "object_id")),  # type: ignore[attr-defined]  # private: the reason for this test
    (SessionStore._get_session_from_db, ("self",)),  # type: ignore[attr-defined]  # private: the reason for this test
    # Without an underscore, but not documented as extension points.
    (BaseModelFormSet.delete_existing, ("self", "obj", "commit")),
    (ChangeList.url_for_result, ("self", "result")),
    (ModelAdmin.action_checkbox, ("self", "obj")),
    (ModelAdmin.get_changelist_instance, ("self", "request")),
    (ModelAdmin.response_action, ("self", "request", "queryset")),
    (WSGIRequestHandler.log_message, ("self", "format", "args")),
    (pgtrigger.Trigger.render_execute, ("self", "model")),
    (pgtrigger.Trigger.compile, ("self", "model")),
    (pgtrigger.compiler.UpsertTriggerSql.get_template, ("self",)),
]
USED: list[tuple[Callable[..., Any], tuple[str, ...]]] = [
    (BaseDatabaseSchemaEditor.db_default_sql, ("self", "field")),
    (Field.db_type_suffix, ("self", "connection")),
    (CheckConstraint.create_sql, ("self", "model", "schema_editor")),
    (UniqueConstraint.create_sql, ("self", "model", "schema_editor")),
    (Index.create_sql, ("self", "model", "schema_editor", "using", "kwargs")),
    (JobManager.get_stalled_jobs, ("self", "nb_seconds", "queue", "task_name", "seconds_since_heartbeat")),
    (JobManager.finish_job, ("self", "job", "status", "delete_job")),
    (
        JobManager.retry_job,
        ("self", "job", "retry_at", "priority", "queue", "lock"),
    ),
    (DjangoConnector.get_worker_connector, ("self",)),
    (get_internal_wsgi_application, ()),
    (pgtrigger.Trigger.render_condition, ("self", "model")),
    # Used by the tests.
    (TransactionTestCase._fixture_teardown, ("self",)),  # type: ignore[attr-defined]  # private: the reason for this test
]


def _name(value: Any) -> str | None:
    return value.__qualname__ if callable(value) else None


@pytest.mark.parametrize(("method", "parameters"), [*OVERRIDDEN, *USED], ids=_name)
def test_the_method_still_takes_these_parameters(method: Callable[..., Any], parameters: tuple[str, ...]) -> None:
    assert tuple(inspect.signature(method).parameters) == parameters


def test_every_private_method_that_healthtrack_overrides_is_listed() -> None:
    listed = {method.__qualname__ for method, _ in OVERRIDDEN if method.__name__.startswith("_")}
    assert set(_overridden_private_methods()) == listed


def _overridden_private_methods() -> Iterator[str]:
    """Yield the qualified names of methods of other packages that a class of HealthTrack overrides."""
    for own in _own_classes():
        for name in vars(own):
            if name.startswith("_") and not name.endswith("_"):
                yield from _origin(own, name)


def _own_classes() -> Iterator[type]:
    for package in PACKAGES:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith(".gunicorn"):  # a configuration, which changes the process that imports it
                # By type(), because isinstance() would look into lazy settings.
                members = vars(import_module(module.name)).values()
                yield from (m for m in members if issubclass(type(m), type) and m.__module__ == module.name)


def _origin(own: type, name: str) -> Iterator[str]:
    for base in own.__mro__[1:]:
        method = vars(base).get(name)
        if inspect.isfunction(method) and not base.__module__.startswith(PACKAGES):
            yield method.__qualname__
            return


def test_a_model_instance_says_whether_it_is_saved() -> None:
    assert MedicalRecord()._state.adding is True
    assert MedicalRecord.from_db("default", ["patient_id"], ["P1"])._state.adding is False


def test_an_admin_site_lists_its_models() -> None:
    assert AdminSite()._registry == {}


def test_pgtrigger_would_register_the_same_triggers(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = dict(registry.data)
    monkeypatch.setattr(registry, "data", {})
    register_triggers_from_meta()
    assert ours
    assert registry.data == ours


def test_two_triggers_of_a_table_need_different_names(monkeypatch: pytest.MonkeyPatch) -> None:
    triggers = MedicalRecord._meta.triggers  # type: ignore[attr-defined]  # pgtrigger adds it
    monkeypatch.setattr(MedicalRecord._meta, "triggers", [*triggers, triggers[0]])
    with pytest.raises(ImproperlyConfigured, match="the same name"):
        apps.get_app_config("pgtrigger").ready()


@pytest.mark.django_db
def test_a_session_that_cannot_be_written_says_that_the_database_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django reports an UpdateError, and only its context distinguishes a database error from an ended session."""

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("down")

    monkeypatch.setattr(Session, "save", fail)
    with pytest.raises(UpdateError) as error:
        SessionStore.save(sessions.SessionStore("a-key-that-is-long-enough"))
    assert isinstance(error.value.__context__, OperationalError)


def test_every_admin_template_that_healthtrack_replaces_still_exists() -> None:
    folder = Path(settings.BASE_DIR, "templates")
    replaced = [str(file.relative_to(folder)) for file in folder.glob("admin/**/*.html")]
    assert replaced
    packages = get_app_template_dirs("templates")
    missing = [name for name in replaced if not any(Path(package, name).exists() for package in packages)]
    assert [name for name in missing if not name.startswith(OWN_TEMPLATES)] == []
