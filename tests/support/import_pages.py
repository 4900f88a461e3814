"""What a person does on the import pages, and the worker behind them."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.test import Client, TestCase
from procrastinate.contrib.django import app

from healthtrack.imports.models import ImportRun
from healthtrack.imports.staging_schema import areas
from tests.support.forms import form_to
from tests.support.import_files import Kind


def run_commit_hooks() -> AbstractContextManager[Any]:
    """Does at its end what waits for the transaction's, which in a test never comes."""
    return TestCase.captureOnCommitCallbacks(execute=True)


def run_jobs() -> None:
    """Does the jobs that wait, within the test's own transaction."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING task_name, args")
        jobs = cursor.fetchall()
    for name, arguments in jobs:
        with run_commit_hooks():
            context = SimpleNamespace(job=SimpleNamespace(attempts=0), should_abort=bool)
            app.tasks[name].func(context, **json.loads(arguments))


def upload(client: Client, kind: Kind, path: Path) -> Any:
    """Uploads the file, and answers with the run's page once it is checked; with the form when that is refused."""
    with path.open("rb") as file:
        answer = client.post(kind.address("import"), {"import_file": file})
    return _once_worked_off(client, answer)


def press_import(client: Client, page: Any) -> Any:
    """Presses the preview's button, and answers with the run's page once it is applied."""
    button = form_to(page, "apply")
    return _once_worked_off(client, client.post(button.address, {"without_invalid": "1", **button.fields}))


def _once_worked_off(client: Client, answer: Any) -> Any:
    if answer.status_code != 302:
        return answer
    run_jobs()
    return client.get(answer["Location"])


def last_run() -> ImportRun:
    return ImportRun.objects.latest("run_id")


def uploads_of(run: ImportRun) -> list[str]:
    """The names of the files that are stored for the run."""
    return list(run.files.exclude(upload="").values_list("upload", flat=True))


def get_staged_run_ids() -> set[int]:
    """The runs whose rows are still there."""
    return {area.run_id for area in areas()}


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]
