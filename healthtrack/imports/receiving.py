"""How an uploaded file arrives: no more of it than may be uploaded is ever kept."""

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from import_export.forms import ImportForm

from healthtrack.imports.faults import FileRefusedError
from healthtrack.imports.limits import check_size


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Counts all of an upload, for the form to refuse it by its size, and writes what may be uploaded."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return super().receive_data_chunk(raw_data, start) if start < settings.IMPORT_MOST_BYTES else None


class UploadForm(ImportForm):
    format = forms.ChoiceField(widget=forms.HiddenInput)

    def clean_import_file(self) -> UploadedFile[bytes]:
        file: UploadedFile[bytes] = self.cleaned_data["import_file"]
        try:
            check_size(file.size or 0)
        except FileRefusedError as refused:
            raise forms.ValidationError(str(refused)) from refused
        return file

    @property
    def media(self) -> forms.Media:
        """None of the package's scripts, which guess a format: there is one."""
        return forms.Media()
