"""Remove what imports leave once its retention is over: uploads, staged rows and errors."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from healthtrack.imports import staging_tables
from healthtrack.imports.life_cycle import runs
from healthtrack.imports.models import AWAITING_PERSON, ImportFile, ImportRun, State, UnfinishedUpload
from healthtrack.imports.reasons import Reason
from healthtrack.imports.uploads import unfinished_uploads
from healthtrack.imports.uploads.local_copies import remove_old_copies
from healthtrack.imports.uploads.stored import remove_unused_uploads

RETENTION = timedelta(hours=24)  # they hold patients' data


def remove_expired() -> None:
    """End runs that nobody confirmed, and remove uploads, staged rows and errors whose retention is over."""
    now = timezone.now()
    for run in ImportRun.objects.filter(state__in=AWAITING_PERSON, started_at__lt=now - RETENTION):
        runs.end(run, State.EXPIRED, Reason.EXPIRED)
    needed = set(ImportRun.objects.exclude(finished_at__lt=now - RETENTION).values_list("run_id", flat=True))
    for run_id in staging_tables.list_staged_runs() - needed:
        staging_tables.drop(run_id)
    unfinished_uploads.discard_older(now - RETENTION)
    remove_unused_uploads(used={*list_uploads(ImportFile), *list_uploads(UnfinishedUpload)})
    remove_old_copies()


def list_uploads(model: type[ImportFile | UnfinishedUpload]) -> Iterable[str]:
    """Return the names of the stored uploads that rows of the model use."""
    return model._default_manager.exclude(upload="").values_list("upload", flat=True)
