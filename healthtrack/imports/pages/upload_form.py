"""The form of the upload page: files, and what they contain."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from healthtrack.imports.fitting import choose_fitting
from healthtrack.imports.importer import Importer
from healthtrack.imports.limits import describe_limit
from healthtrack.imports.models import MAX_FILE_NAME_LENGTH
from healthtrack.imports.uploads.receiving import ReceivedFile

DETECT = ""
UNRECOGNIZED = "The content does not show what kind of file this is. Choose the kind below, and choose the file again."
OTHER_KIND = "This looks like {label}. Choose that kind below, and choose the file again."
ONE_FILE = "Choose one file only. Upload the others one after the other."


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """A form field for several files."""

    widget = _FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        files = data if isinstance(data, list) and data else [None]
        return [super(FilesField, self).clean(file, initial) for file in files]


class UploadForm(forms.Form):
    """The form of a person who may use these importers.

    `name` is the importer that is used if the person chooses none; if it is empty, the content of the files decides.
    A valid form has the importer in its cleaned data.
    """

    import_file = FilesField(
        label="File to import",
        max_length=MAX_FILE_NAME_LENGTH,
        error_messages={"required": "Choose a file first.", "empty": "The file is empty. Choose another one."},
    )
    kind = forms.ChoiceField(label="What does the file contain?", widget=forms.RadioSelect, required=False)

    def __init__(
        self,
        importers: Sequence[Importer],
        name: str = DETECT,
        data: QueryDict | None = None,
        files: MultiValueDict[str, UploadedFile[bytes]] | None = None,
    ) -> None:
        super().__init__(data, files, initial={"kind": name})
        self.importers = importers
        self.name = name if len(importers) > 1 else importers[0].name
        kinds = [(importer.name, importer.label.capitalize()) for importer in importers]
        self.fields["kind"].choices = [(DETECT, "Detect it"), *kinds]  # type: ignore[attr-defined]  # of a ChoiceField

    @property
    def accepts(self) -> str:
        """Return the files to offer, as in the accept attribute of HTML."""
        return ",".join(dict.fromkeys(importer.accepts for importer in self.importers))

    @property
    def takes_several_files(self) -> bool:
        return any(importer.takes_several_files for importer in self.importers)

    @property
    def hints(self) -> list[str]:
        """Return the sentences about accepted files and limits."""
        return list(dict.fromkeys(importer.upload_hint() for importer in self.importers))

    def clean(self) -> dict[str, Any]:
        """Find the importer of the files; refuse them if there is none, or if the name of one misleads about it."""
        cleaned: dict[str, Any] = self.cleaned_data
        files: Sequence[ReceivedFile] = cleaned.get("import_file", ())
        if files and "kind" in cleaned:
            name = cleaned["kind"] or (self.name if "kind" not in self.data else DETECT) or self._detect(files)
            reasons = self._list_reasons(name, files)
            if reasons:
                self.add_error("import_file", reasons)
            else:
                cleaned["importer"] = self._get(name)
        return cleaned

    def _get(self, name: str) -> Importer:
        return next(importer for importer in self.importers if importer.name == name)

    def _detect(self, files: Sequence[ReceivedFile]) -> str:
        """Return the name of the importer that the files fit best, or an empty text."""
        if len(self.importers) == 1:
            return self.importers[0].name
        fits = {
            importer.name: min(importer.recognize(file.path) for file in files)
            for importer in self.importers
            if importer.takes([file.path for file in files])
        }
        best = max(fits, key=fits.__getitem__, default="")
        return best if best and fits[best] else self._find_only_taker(files)

    def _find_only_taker(self, files: Sequence[ReceivedFile]) -> str:
        """Return the name of the only importer that takes files of these names and sizes, or an empty text.

        Of large archives only the beginning can be looked at, which does not say what they contain.
        """
        size = sum(file.size or 0 for file in files)
        takers = [
            importer.name
            for importer in self.importers
            if size <= importer.max_bytes and not self._list_misleading(importer, files)
        ]
        return takers[0] if len(takers) == 1 else ""

    def _find_other(self, files: Sequence[ReceivedFile]) -> Importer | None:
        """Return the importer that files fit whose names do not fit the chosen one; None if there is none."""
        others = [each for each in self.importers if not self._list_misleading(each, files)]
        return choose_fitting(others, [file.path for file in files])

    def _list_misleading(self, importer: Importer, files: Sequence[ReceivedFile]) -> list[str]:
        return list(filter(None, (importer.find_misleading_name(file.name or "", file.path) for file in files)))

    def _list_reasons(self, name: str, files: Sequence[ReceivedFile]) -> list[str]:
        """Return why the files cannot be uploaded for this importer or, without one, why it is not known."""
        importers = [self._get(name)] if name else self.importers
        misleading = [self._list_misleading(importer, files) for importer in importers]
        if all(misleading):
            other = self._find_other(files) if name else None
            return [OTHER_KIND.format(label=other.label)] if other else misleading[0]
        if not name:
            return [UNRECOGNIZED]
        importer = self._get(name)
        if sum(file.size or 0 for file in files) > importer.max_bytes:
            return [describe_limit(importer.max_bytes)]
        return [] if importer.takes([file.path for file in files]) else [ONE_FILE]
