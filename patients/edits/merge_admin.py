"""The pages on which staff compare two records of one person and merge them."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from healthtrack.audit.access_recorder import record_patient_access
from healthtrack.audit.admin_history import VIEW as VIEW_HISTORY
from healthtrack.audit.presentation import Entry
from healthtrack.audit.timelines import get_history
from healthtrack.core.admin import NUL
from healthtrack.core.forms.widgets import MAX_KEY_DIGITS
from patients.edits.duplicates import find_next_pair, find_possible_duplicates
from patients.edits.merging import FIELDS, Comparison, OutdatedComparisonError, compare, merge
from patients.models import FormerNumber, MedicalRecord
from patients.summary_parts import compare_views

MERGE = "patients.merge_medicalrecord"
LIST = "admin:patients_medicalrecord_changelist"
CHANGES_SHOWN = 5
RECORD = "admin:patients_medicalrecord_change"


class MergingAdmin(admin.ModelAdmin[MedicalRecord]):
    """Adds to the pages of records: the comparison of two, an action that leads there, and possible duplicates."""

    actions = ("compare_selected",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.merge_view)
        return [path("merge/", view, name="patients_medicalrecord_merge"), *super().get_urls()]

    def has_merge_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MERGE) and self.has_view_permission(request)

    @admin.action(description="Compare and merge two records", permissions=["merge"])
    def compare_selected(self, request: HttpRequest, queryset: QuerySet[MedicalRecord]) -> HttpResponse | None:
        numbers = list(queryset.order_by("pk").values_list("pk", flat=True)[:3])
        if len(numbers) == 2:
            return HttpResponseRedirect(get_merge_address(*numbers))
        self.message_user(request, "Select two records to compare them.", messages.ERROR)
        return None

    @method_decorator([require_http_methods(["GET", "HEAD", "POST"]), never_cache])
    def merge_view(self, request: HttpRequest) -> HttpResponse:
        """Show two records side by side, and merge them with the chosen values."""
        if not self.has_merge_permission(request):
            raise PermissionDenied
        numbers = [request.GET.get(name, "").replace(NUL, "") for name in ("first", "second")]
        if not any(numbers):
            return self._show_next_pair(request)
        comparison = compare(numbers, request.POST)
        if comparison is None:
            self.message_user(request, "One of these records does not exist. Select two records.", messages.ERROR)
            return HttpResponseRedirect(reverse(LIST))
        errors: list[str] = []
        if request.method == "POST":
            try:
                return self._merge_records(request, numbers)
            except OutdatedComparisonError:
                errors = ["Somebody changed one of these records since you opened this page. Check the values again."]
            except ValidationError as error:
                errors = error.messages
        record_patient_access(numbers)
        return self._show_comparison(request, comparison, errors)

    def _show_next_pair(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the comparison of the next possible duplicates after the record with the number `after`."""
        after = request.GET.get("after", "").replace(NUL, "")
        if pair := find_next_pair(after):
            return HttpResponseRedirect(get_merge_address(*pair))
        words = "There are no more possible duplicates." if after else "There are no possible duplicates."
        self.message_user(request, words)
        return HttpResponseRedirect(reverse(LIST))

    def _show_comparison(self, request: HttpRequest, comparison: Comparison, errors: list[str]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Compare and merge two records",
            "opts": self.opts,
            "comparison": comparison,
            "parts": compare_views(comparison.records, request.user),
            "histories": self._get_histories(request, comparison),
            "errors": errors,
        }
        return TemplateResponse(request, "patients/merge.html", context)

    def _get_histories(self, request: HttpRequest, comparison: Comparison) -> list[Sequence[Entry]]:
        """Return the latest changes of each record, for people who may view histories."""
        if not request.user.has_perm(VIEW_HISTORY):
            return []
        pages = [get_history(MedicalRecord, record.pk, None) for record in comparison.records]
        return [page.entries[:CHANGES_SHOWN] for page in pages]

    def _merge_records(self, request: HttpRequest, numbers: list[str]) -> HttpResponse:
        target = request.POST.get("target", "")
        if target not in numbers:
            raise ValidationError("Choose the number to keep.")
        (source,) = (number for number in numbers if number != target)
        chosen = {name: request.POST.get(name, target) for name in FIELDS}
        version = request.POST.get("version", "")
        if not (version.isascii() and version.isdecimal() and len(version) <= MAX_KEY_DIGITS):
            raise OutdatedComparisonError
        from_source = [name for name, number in chosen.items() if number == source]
        run = merge(target, source, from_source, int(version), request.user)  # type: ignore[arg-type]  # a signed-in person
        record_patient_access(numbers)
        words = 'Merged {} into {}. To undo this, <a href="{}">open {}</a>.'
        page = reverse("admin:imports_importrun_change", args=[run.pk])
        self.message_user(request, format_html(words, source, target, page, str(run).lower()), messages.SUCCESS)
        return HttpResponseRedirect(reverse(RECORD, args=[quote(target)]))

    def get_duplicates(self, request: HttpRequest, record: MedicalRecord) -> list[tuple[MedicalRecord, str]]:
        """Return the possible duplicates of a record, each with the page that compares the two, if one may merge."""
        found = list(find_possible_duplicates(record.name, record.date_of_birth, of=record.pk))
        record_patient_access([each.pk for each in found])
        may_merge = self.has_merge_permission(request)
        return [(each, get_merge_address(record.pk, each.pk) if may_merge else "") for each in found]

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Redirect from a former number to the record that has taken its place."""
        former = FormerNumber.objects.filter(number=object_id).first() if NUL not in object_id else None
        if former is None or not self.has_view_permission(request):
            return super()._get_obj_does_not_exist_redirect(request, opts, object_id)  # type: ignore[misc,no-any-return]  # a private method of Django
        words = f"The record {former.number} was merged into this one."
        self.message_user(request, words)
        return HttpResponseRedirect(reverse(RECORD, args=[quote(former.patient_id)]))


def get_merge_address(first: str, second: str) -> str:
    """Return the address of the page that compares two records."""
    return f"{reverse('admin:patients_medicalrecord_merge')}?{urlencode({'first': first, 'second': second})}"
