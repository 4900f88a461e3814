"""What a person does on the import pages."""

from pathlib import Path
from typing import Any

from django.test import Client

from tests.healthtrack.imports.files import Kind


def upload(client: Client, kind: Kind, path: Path) -> Any:
    with path.open("rb") as file:
        return client.post(kind.address("import"), {"format": "0", "resource": "0", "import_file": file})


def confirm(client: Client, kind: Kind, preview: Any, **changes: str) -> Any:
    form = {**preview.context["confirm_form"].initial, **changes}
    return client.post(kind.address("process_import"), form)


def messages(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]
