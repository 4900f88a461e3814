"""Profiles: answers about files with one header, under a name, for later files with the same header."""

import hashlib
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import UniqueConstraint
from django.db.models.functions import Now

from healthtrack.imports.columns.header_names import normalize_header
from healthtrack.imports.row_errors import show_value

MAX_NAME_LENGTH = 100


class ReadingProfile(models.Model):
    """Answers about files with one header. Several profiles may have the same header: clinics share programs."""

    profile_id = models.BigAutoField(primary_key=True, db_comment="Number of the profile")
    importer = models.CharField(
        max_length=100, db_comment="The registered importer that reads the files, such as patients.medicalrecord"
    )
    name = models.CharField(max_length=MAX_NAME_LENGTH, db_comment="Name, such as that of the clinic")
    headers = models.JSONField(db_comment="The names of the columns, as a file spells them")
    fingerprint = models.CharField(
        max_length=64, db_comment="SHA-256 of the names of the columns without regard to case, spaces and hyphens"
    )
    answers = models.JSONField(db_comment="Answers by the name of the part of a reading plan")
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name="person",
        db_comment="Who saved it last",
    )
    saved_at = models.DateTimeField("saved", db_default=Now(), db_comment="When it was saved last")

    class Meta:
        db_table = "reading_profiles"
        db_table_comment = "Answers about how files with one header are read"
        verbose_name = "profile"
        ordering = ["name", "profile_id"]
        default_permissions = ()
        constraints = [UniqueConstraint(fields=["importer", "name"], name="reading_profiles_name")]

    def __str__(self) -> str:
        return self.name


def get_fingerprint(headers: Sequence[str]) -> str:
    """Return the fingerprint of a header, the same for all spellings that mean the same."""
    return hashlib.sha256("\0".join(map(normalize_header, headers)).encode()).hexdigest()


def find_profiles(importer: str, headers: Sequence[str]) -> Sequence[ReadingProfile]:
    """Return the profiles for files with this header, by name."""
    return list(ReadingProfile.objects.filter(importer=importer, fingerprint=get_fingerprint(headers)))


def save_profile(
    importer: str, name: str, headers: Sequence[str], answers: Mapping[str, str], person: User | None
) -> None:
    """Store the answers under the name. A profile of this name and importer is replaced."""
    ReadingProfile.objects.update_or_create(
        importer=importer,
        name=name,
        defaults={
            "headers": list(map(show_value, headers)),
            "fingerprint": get_fingerprint(headers),
            "answers": dict(answers),
            "saved_by": person,
            "saved_at": Now(),
        },
    )
