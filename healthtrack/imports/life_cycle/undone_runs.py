"""Which runs are undone. An undo may be undone too; then the run that it undid counts again."""

from django.db.models import Q

from healthtrack.imports import registry
from healthtrack.imports.models import ImportRun, Kind, State


def get_void_runs() -> list[int]:
    """Return the numbers of the undone runs and of their undos: each pair has changed nothing."""
    is_undo_of_undone = Q(kind=Kind.UNDO, state=State.APPLIED, undoes__state=State.UNDONE)
    return list(ImportRun.objects.filter(Q(state=State.UNDONE) | is_undo_of_undone).values_list("run_id", flat=True))


def get_first_run(run: ImportRun) -> ImportRun:
    """Return the import or edit that the run, and the undos that it undoes, are about; the run itself if it is one."""
    return _get_chain(run)[-1]


def _get_chain(run: ImportRun) -> list[ImportRun]:
    """Return the run, the run that it undoes, and so on."""
    return [run, *(_get_chain(run.undoes) if run.undoes else [])]


def get_undo_label(run: ImportRun) -> str:
    """Return the label of the button that undoes the run: what would happen to the import or edit."""
    *undos, first = _get_chain(run)
    what = "edit" if first.is_edit else "import"
    if len(undos) % 2:
        return "Make the edit again" if first.is_edit else "Import again"
    return f"Undo the {what} again" if undos else f"Undo this {what}"


def is_undoable(run: ImportRun) -> bool:
    """Return whether the run changed something, is not undone, and is not being undone."""
    if not run.is_applied or run.first_change is None or run.undos.filter(state=State.APPLYING).exists():
        return False
    return registry.get(run.importer).can_undo(run)
