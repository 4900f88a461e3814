"""Which runs are undone. An undo may be undone too; then the run that it undid counts again."""

from django.db.models import Q

from healthtrack.imports.models import ImportRun, Kind, State


def get_void_runs() -> list[int]:
    """Return the numbers of the undone runs and of their undos: each pair has changed nothing."""
    is_undo_of_undone = Q(kind=Kind.UNDO, state=State.APPLIED, undoes__state=State.UNDONE)
    return list(ImportRun.objects.filter(Q(state=State.UNDONE) | is_undo_of_undone).values_list("run_id", flat=True))


def get_first_run(run: ImportRun) -> ImportRun:
    """Return the import or edit that the run, and the undos that it undoes, are about; the run itself if it is one."""
    while run.undoes is not None:
        run = run.undoes
    return run


def is_undoable(run: ImportRun) -> bool:
    """Return whether the run changed something, is not undone, and is not being undone."""
    return run.is_applied and run.first_change is not None and not run.undos.filter(state=State.APPLYING).exists()
