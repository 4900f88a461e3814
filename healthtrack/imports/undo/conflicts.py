"""Why an undo leaves a row as it is: the codes that are stored. `reasons` has their sentences."""

from django.db.models import TextChoices


class ConflictReason(TextChoices):
    CHANGED_SINCE = "changed_since"
    IN_USE = "in_use"
    KEPT_WITH_OWNER = "kept_with_owner"
    DELETED_SINCE = "deleted_since"
    NO_ROOM = "no_room"
