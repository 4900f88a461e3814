"""Which runs were undone. An undo may itself be undone, and then the run counts again."""

from healthtrack.imports.models import ImportRun, Kind, State


def undone_runs() -> dict[int, int]:
    """Return the runs that were undone, each with the undo that did it: together they changed nothing."""
    undos = ImportRun.objects.filter(kind=Kind.UNDO, state=State.APPLIED).order_by("-run_id")
    found: dict[int, int] = {}
    for undo, run in undos.values_list("run_id", "undoes_id"):
        if undo not in found:
            found[int(str(run))] = undo
    return found


def is_undoable(run: ImportRun) -> bool:
    """Return whether the run changed something that can be undone, and nobody has undone it or is about to."""
    return (
        run.is_applied
        and run.first_change is not None
        and not run.undos.filter(state=State.APPLYING).exists()
        and run.run_id not in undone_runs()
    )
