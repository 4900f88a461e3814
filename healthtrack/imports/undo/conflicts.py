"""Why an undo leaves a row as it is."""

from django.db.models import TextChoices


class ConflictReason(TextChoices):
    CHANGED_SINCE = "changed_since", "It was changed since."
    IN_USE = "in_use", "Something that came since refers to it."
    KEPT_WITH_OWNER = "kept_with_owner", "What it belongs to stays."
    DELETED_SINCE = "deleted_since", "It was deleted since."
    NO_ROOM = "no_room", "Another one is in its place, or what it refers to is not there any more."


def conflict_text(reason: str) -> str:
    """Return the reason as a sentence. Undos of earlier releases stored the sentence itself."""
    return ConflictReason(reason).label if reason in ConflictReason.values else reason
