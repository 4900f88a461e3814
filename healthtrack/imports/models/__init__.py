"""The tables of imports, and the kinds and states of runs. Those of profiles and uploads are beside what uses them."""

from healthtrack.imports.models.conflicts import UndoConflict
from healthtrack.imports.models.runs import ImportFile, ImportRun
from healthtrack.imports.profiles import ReadingProfile
from healthtrack.imports.states import AWAITING_PERSON, ENDED, OPEN, WORKING, Kind, Stage, State
from healthtrack.imports.uploads.unfinished_uploads import MAX_FILE_NAME_LENGTH, UnfinishedUpload

__all__ = [
    "AWAITING_PERSON",
    "ENDED",
    "MAX_FILE_NAME_LENGTH",
    "OPEN",
    "WORKING",
    "ImportFile",
    "ImportRun",
    "Kind",
    "ReadingProfile",
    "Stage",
    "State",
    "UndoConflict",
    "UnfinishedUpload",
]
