"""The kinds of runs, the states that they pass through, and the stages of the work on them."""

from django.db.models import TextChoices


class Kind(TextChoices):
    IMPORT = "import", "Import"
    UNDO = "undo", "Undo"
    EDIT = "edit", "Edit"


class State(TextChoices):
    CHECKING = "checking", "Checking"
    QUESTIONS = "questions", "Needs answers"
    CHECKED = "checked", "Ready to import"
    APPLYING = "applying", "Importing"
    APPLIED = "applied", "Imported"
    UNDONE = "undone", "Undone"
    REFUSED = "refused", "Rejected"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    EXPIRED = "expired", "Expired"


WORKING = (State.CHECKING, State.APPLYING)
AWAITING_PERSON = (State.QUESTIONS, State.CHECKED)
OPEN = (*WORKING, *AWAITING_PERSON)
ENDED = tuple(state for state in State if state not in OPEN)


class Stage(TextChoices):
    """What a worker is doing with a run."""

    WAITING = "waiting", "Waiting for a worker"
    READING = "reading", "Reading and checking the rows"
    COMPARING = "comparing", "Comparing with stored data"
    TURN = "turn", "Waiting for another import to finish"
    COMPARING_AGAIN = "again", "Comparing with stored data again"
    WRITING = "writing", "Writing the rows"
