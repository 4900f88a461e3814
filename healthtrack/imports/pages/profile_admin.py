"""The pages of profiles: the list, a form for the answers, and the confirmation before one is deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.formats import date_format

from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.core.forms.concurrent_edits import ConcurrentEditForm, Conflict
from healthtrack.core.forms.fields import CleanedCharField
from healthtrack.imports import registry
from healthtrack.imports.detection import names
from healthtrack.imports.detection.choices import (
    APOSTROPHES,
    AS_DETECTED,
    DUPLICATE_ROWS,
    MARKS,
    get_notation_choices,
    get_structure_choices,
)
from healthtrack.imports.detection.labels import STRUCTURE
from healthtrack.imports.permissions import get_importers
from healthtrack.imports.profiles import MAX_NAME_LENGTH, ReadingProfile

ANOTHER_HEADER = "Somebody saved this profile for files with another header meanwhile. Open the profile again."


class ProfileForm(ConcurrentEditForm):
    """A field for the name and one for each answer. `opened_header` is the fingerprint that it had when opened."""

    name = CleanedCharField(max_length=MAX_NAME_LENGTH)
    opened_header = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = ReadingProfile
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._columns = registry.get(self.instance.importer).describe_fields()
        for position, header in enumerate(self.instance.headers):
            choices = {names.NOT_IMPORTED: "Do not import", **self._columns}
            self._add_field(names.column(position), f"Column {header.strip() or position + 1}", choices)
        for part in self.instance.answers:
            self._add_field_of(part)
        self.initial["opened_header"] = self.instance.fingerprint
        self.carry_opened_values()
        self.fields["opened_header"].show_hidden_initial = False  # it is not compared field by field

    def _add_field_of(self, part: str) -> None:
        """Add the field of an answer about something else than which field a column belongs to."""
        if part == names.DUPLICATE_ROWS:
            self._add_field(part, STRUCTURE[part], DUPLICATE_ROWS)
        elif part in names.MARKS:
            self._add_field(part, STRUCTURE[part], MARKS[part])
        elif part in names.STRUCTURE:
            self._add_field(part, STRUCTURE[part], get_structure_choices(part, self.instance.answers[part]))
        elif named := names.get_word(part):
            meanings = registry.get(self.instance.importer).describe_meanings(named[0])
            self._add_field(part, f"“{named[1]}” in {self._columns.get(named[0], named[0])}", meanings)
        elif field := names.get_marked_field(part):
            self._add_field(part, f"Apostrophe before values of {self._columns.get(field, field)}", APOSTROPHES)
        elif field := names.get_noted_field(part) or names.get_field_of_cells(part):
            what = "Date cells" if names.get_field_of_cells(part) else "Dates and numbers"
            self._add_field(part, f"{what} of {self._columns.get(field, field)}", get_notation_choices(part))

    def _add_field(self, part: str, label: str, choices: Mapping[str, str]) -> None:
        self.fields[part] = forms.ChoiceField(
            label=label, choices=[("", AS_DETECTED), *choices.items()], required=False
        )
        self.initial[part] = self.instance.answers.get(part, "")

    def get_stored_value(self, name: str) -> Any:
        return super().get_stored_value(name) if name == "name" else self.initial[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned["opened_header"] != self.instance.fingerprint:
            self.add_error(None, ANOTHER_HEADER)
        chosen = [value for part, value in cleaned.items() if names.get_position(part) is not None]
        for field, label in self._columns.items():
            if chosen.count(field) > 1:
                self.add_error(None, f"Several columns have the field {label}. Choose it for one column.")
        return cleaned

    def get_answers(self) -> dict[str, str]:
        """Return the answers, without those that were removed."""
        parts = [part for part in self.fields if part not in {"name", "opened_header"}]
        return {part: self.cleaned_data[part] for part in parts if self.cleaned_data[part]}


@admin.register(ReadingProfile)
class ReadingProfileAdmin(PersonalListAdmin):
    """Pages for people who may import this type of data. Profiles are saved on the page of an import."""

    first_step = "Upload a file, answer how it is to be read, and save the answers under a name."

    form = ProfileForm
    list_display = ("name", "importer_label", "person", "saved_at")
    list_select_related = ("saved_by",)
    ordering = ("name",)
    actions = None

    def get_urls(self) -> list[URLPattern]:
        """Leave out the pages to add a profile and to see its history, which is not recorded."""
        return [pattern for pattern in super().get_urls() if not str(pattern.name).endswith(("_add", "_history"))]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReadingProfile]:
        return super().get_queryset(request).filter(importer__in=get_importers(request.user))

    def has_view_permission(self, request: HttpRequest, obj: ReadingProfile | None = None) -> bool:
        importers = get_importers(request.user)
        return bool(importers) if obj is None else obj.importer in importers

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: ReadingProfile | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ReadingProfile | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return ProfileForm

    def get_fieldsets(self, request: HttpRequest, obj: ReadingProfile | None = None) -> Any:
        return [(None, {"fields": [*ProfileForm(instance=obj).fields] if obj else ["name"]})]

    def save_model(self, request: HttpRequest, obj: ReadingProfile, form: Any, change: bool) -> None:
        obj.answers = form.get_answers()
        obj.saved_by = request.user  # type: ignore[assignment]  # staff is signed in
        obj.saved_at = timezone.now()
        super().save_model(request, obj, form, change)

    def get_editors(self, row: Any, conflicts: Sequence[Conflict]) -> Sequence[str]:
        saved_at = date_format(timezone.localtime(row.saved_at), "SHORT_DATETIME_FORMAT")
        return [f"{row.saved_by or 'somebody else'}, {saved_at}"] * len(conflicts)

    @admin.display(description="type", ordering="importer")
    def importer_label(self, profile: ReadingProfile) -> str:
        return registry.get(profile.importer).label.capitalize()

    @admin.display(description="person", ordering="saved_by")
    def person(self, profile: ReadingProfile) -> str:
        return str(profile.saved_by or "")
