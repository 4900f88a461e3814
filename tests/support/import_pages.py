"""What a person does on the pages of imports, and what a worker then does."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from django.db import connection
from django.test import Client, TestCase
from procrastinate.contrib.django import app

from healthtrack.imports.models import ImportRun
from tests.support.forms import form_to
from tests.support.import_files import Kind


def run_commit_hooks() -> AbstractContextManager[Any]:
    """Run the block, then what waits for the end of the transaction, which never comes in a test."""
    return TestCase.captureOnCommitCallbacks(execute=True)


def run_jobs() -> None:
    """Do the queued jobs, as a worker would, within the transaction of the test."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING task_name, args")
        jobs = cursor.fetchall()
    for name, arguments in jobs:
        with run_commit_hooks():
            context = SimpleNamespace(job=SimpleNamespace(attempts=0), should_abort=bool)
            app.tasks[name].func(context, **json.loads(arguments))


def upload(client: Client, kind: Kind, path: Path) -> Any:
    """Upload the file and let it be checked. Return the page of the run, or the form if it has an error."""
    with path.open("rb") as file:
        answer = client.post(kind.address("import"), {"import_file": file})
    return _follow_after_jobs(client, answer)


def press_import(client: Client, page: Any) -> Any:
    """Press the import button of the preview and let the run be imported. Return the page of the run."""
    button = form_to(page, "apply")
    return _follow_after_jobs(client, client.post(button.address, {"without_invalid": "1", **button.fields}))


def _follow_after_jobs(client: Client, answer: Any) -> Any:
    if answer.status_code != 302:
        return answer
    run_jobs()
    return client.get(answer["Location"])


def last_run() -> ImportRun:
    return ImportRun.objects.latest("run_id")


def uploads_of(run: ImportRun) -> list[str]:
    """Return the names of the uploads that are stored for the run."""
    return list(run.files.exclude(upload="").values_list("upload", flat=True))


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]
