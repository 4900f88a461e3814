"""What a page shows, and what the access log has about that."""

from typing import Any

from django.test import Client

from healthtrack.audit.models import Access


def content_of(answer: Any) -> str:
    parts = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(parts).decode(errors="replace")


def request_and_log(client: Client, method: str, where: str) -> tuple[str, list[Access]]:
    """Return the content of the response without its own address, and what was recorded meanwhile."""
    before = Access.objects.count()
    answer = getattr(client, method)(where)
    said = content_of(answer).replace(where, "")
    return said, list(Access.objects.order_by("access_id")[before:])


def get_numbers(access: Access) -> list[str]:
    return access.patient_ids if access.file_patients is None else access.file_patients
