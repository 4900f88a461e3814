"""Find out which runs were undone. An undo may be undone too; then the run that it undid counts again."""

from healthtrack.imports.models import ImportRun, Kind, State


def get_undone_runs() -> dict[int, int]:
    """Return the number of each undone run, with the number of its undo. Together the two changed nothing."""
    undos = ImportRun.objects.filter(kind=Kind.UNDO, state=State.APPLIED).order_by("-run_id")
    found: dict[int, int] = {}
    for undo, run in undos.values_list("run_id", "undoes_id"):
        if undo not in found:
            found[int(str(run))] = undo
    return found


def is_undoable(run: ImportRun) -> bool:
    """Return whether the run changed something, is not undone, and is not being undone."""
    return (
        run.is_applied
        and run.first_change is not None
        and not run.undos.filter(state=State.APPLYING).exists()
        and run.run_id not in get_undone_runs()
    )
