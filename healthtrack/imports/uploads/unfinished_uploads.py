"""Unfinished uploads: large files that a browser sends in chunks, each in a request of its own.

A broken connection loses one chunk at most. Any web server may receive any chunk: the database knows which have
arrived, and the storage has them. An upload is finished when a run is opened of its file.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import CheckConstraint, Q, UniqueConstraint, Value
from django.db.models.functions import Now
from django.utils import timezone

from healthtrack.core.permissions import Person
from healthtrack.imports.uploads.stored import Upload

CHUNK_BYTES = 8 * 2**20
MAX_OF_PERSON = 5  # so that nobody fills the storage
MAX_FILE_NAME_LENGTH = 255


class UnfinishedUpload(models.Model):
    """A file that a browser sends in chunks."""

    upload_id = models.BigAutoField(primary_key=True, db_comment="Number of the unfinished upload")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # the unique constraint begins with it
        verbose_name="person",
        db_comment="Who sends the file",
    )
    name = models.CharField(
        max_length=MAX_FILE_NAME_LENGTH, db_comment="Name of the file on the computer of the person"
    )
    size = models.BigIntegerField(db_comment="Size of the file in bytes")
    modified_ms = models.BigIntegerField(
        db_comment="When the file was last changed, as the browser says, in milliseconds since 1970"
    )
    upload = models.CharField(max_length=32, db_comment="Random name under which the chunks are stored")
    chunk_bytes = models.IntegerField(db_comment="Size of each chunk in bytes; the last one may be smaller")
    digests = ArrayField(
        models.CharField(max_length=64),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=64))),
        db_comment="SHA-256 of each chunk that has arrived, in their order",
    )
    started_at = models.DateTimeField("started", db_default=Now(), db_comment="When the upload began")
    changed_at = models.DateTimeField("changed", db_default=Now(), db_comment="When the last chunk arrived")

    class Meta:
        db_table = "unfinished_uploads"
        db_table_comment = "Files that browsers send in chunks, until a run is opened of them"
        verbose_name = "unfinished upload"
        ordering = ["upload_id"]
        default_permissions = ()
        constraints = [
            UniqueConstraint(
                fields=["started_by", "name", "size", "modified_ms"],
                name="unfinished_uploads_file",
                violation_error_message="You are sending this file already.",
            ),
            CheckConstraint(
                name="unfinished_uploads_has_content",
                condition=Q(size__gt=0, chunk_bytes__gt=0),
                violation_error_message="The file is empty.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def chunk_count(self) -> int:
        return -(-self.size // self.chunk_bytes)

    @property
    def received_bytes(self) -> int:
        return min(len(self.digests) * self.chunk_bytes, self.size)

    @property
    def is_complete(self) -> bool:
        """Whether all chunks have arrived."""
        return len(self.digests) == self.chunk_count

    def get_chunk_size(self, number: int) -> int | None:
        """Return the bytes of a chunk, by its number from 1; None if the file has no such chunk."""
        if not 1 <= number <= self.chunk_count:
            return None
        return min(self.chunk_bytes, self.size - (number - 1) * self.chunk_bytes)


def get_own(person: Person) -> models.QuerySet[UnfinishedUpload]:
    """Return the unfinished uploads of the person."""
    return UnfinishedUpload.objects.filter(started_by=person.pk)


def start(person: User, name: str, size: int, modified_ms: int) -> UnfinishedUpload | None:
    """Return the person's unfinished upload of this file, or a new one; None if they have too many others."""
    facts = {"name": name[-MAX_FILE_NAME_LENGTH:], "size": size, "modified_ms": modified_ms}
    existing = get_own(person).filter(**facts).first()
    if existing or get_own(person).count() >= MAX_OF_PERSON:
        return existing
    new = {"upload": Upload.make().name, "chunk_bytes": CHUNK_BYTES}
    return UnfinishedUpload.objects.get_or_create(started_by=person, **facts, defaults=new)[0]


def add_chunk(unfinished: UnfinishedUpload, number: int, content: bytes) -> bool:
    """Store a chunk. Return False if it is not the next one, nor one that has arrived before with the same content."""
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        current = UnfinishedUpload.objects.select_for_update().filter(pk=unfinished.pk).first()
        if current is None or number > len(current.digests) + 1:
            return False
        if number <= len(current.digests):
            return bool(current.digests[number - 1] == digest)
        Upload(current.upload).save_chunk(number, content)
        current.digests.append(digest)
        current.changed_at = timezone.now()
        current.save(update_fields=["digests", "changed_at"])
    return True


def discard(uploads: models.QuerySet[UnfinishedUpload]) -> None:
    """End unfinished uploads, and remove their chunks."""
    with transaction.atomic():
        for unfinished in uploads.select_for_update():
            transaction.on_commit(Upload(unfinished.upload).remove)
            unfinished.delete()


def discard_older(than: datetime) -> None:
    """End the unfinished uploads that have received nothing since then."""
    discard(UnfinishedUpload.objects.filter(changed_at__lt=than))


def find_complete(person: Person, numbers: Sequence[int]) -> list[UnfinishedUpload]:
    """Return the person's complete uploads with these numbers, in their order; nothing if any of them is not there."""
    found = {each.pk: each for each in get_own(person).filter(pk__in=numbers) if each.is_complete}
    return [found[number] for number in dict.fromkeys(numbers)] if found.keys() == set(numbers) else []


def finish(uploads: Sequence[UnfinishedUpload]) -> bool:
    """Leave the chunks to the run that this transaction opens. Return False if another request already did that."""
    deleted, _ = UnfinishedUpload.objects.filter(pk__in=[each.pk for each in uploads]).delete()
    return deleted == len(uploads)


def compute_digest(unfinished: UnfinishedUpload) -> str:
    """Return the SHA-256 of a complete file, in hexadecimal digits."""
    whole = hashlib.sha256()
    for piece in Upload(unfinished.upload).read():
        whole.update(piece)
    return whole.hexdigest()
