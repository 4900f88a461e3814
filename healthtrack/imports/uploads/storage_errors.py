"""Errors of the storage of uploads, as exceptions that the rest of the program knows."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import ClassVar

from django.conf import settings

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageError(Exception):
    """The storage cannot be used now. `sentence` says so to the person who uploads, with the status of the answer."""

    status: ClassVar = HTTPStatus.SERVICE_UNAVAILABLE
    sentence: ClassVar = "The storage of uploads cannot be reached. Tell an administrator, and upload it again later."


class StorageFullError(StorageError):
    """There is no space left."""

    status = HTTPStatus.INSUFFICIENT_STORAGE
    sentence = "The server has no space for the file. Tell an administrator, and upload it again later."


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise StorageError in place of the errors of a full disk, and of the library that talks to object storage."""
    try:
        with _object_storage_errors():
            yield
    except OSError as error:
        if error.errno not in _DISK_FULL:
            raise
        raise StorageFullError from error


@contextmanager
def _object_storage_errors() -> Iterator[None]:
    if not settings.UPLOADS_BUCKET:
        yield
        return
    from boto3.exceptions import Boto3Error  # noqa: PLC0415  (only installations with object storage load it)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  (the same)

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise StorageError from error
