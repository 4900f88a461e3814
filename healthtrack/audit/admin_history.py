"""The history of a row, as a page of the admin."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from healthtrack.audit.models import Change
from healthtrack.audit.presentation import Entry, get_actor_name
from healthtrack.audit.subjects import is_named_by_key
from healthtrack.audit.timelines import find_latest_changes, get_changes, get_history
from healthtrack.core.forms.concurrent_edits import Conflict
from healthtrack.core.lists.log_pages import get_last_id

VIEW = "audit.view_change"


def _describe_editor(change: Change) -> str:
    return f"{get_actor_name(change)}, {date_format(localtime(change.changed_at), 'SHORT_DATETIME_FORMAT')}"


class HistoryAdmin(ModelAdmin[Any]):
    """Shows the history that the database records, in place of Django's own admin log.

    `row_kind` is what people call a row, if not as its model is called.
    """

    row_kind = ""

    @method_decorator([require_safe, never_cache])
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the history of a row, even if the row was deleted."""
        if not (self.has_view_permission(request) and request.user.has_perm(VIEW)):
            raise PermissionDenied
        object_id = unquote(object_id).replace("\0", "")  # PostgreSQL's text cannot hold it
        row = self.get_object(request, object_id)
        page = get_history(self.model, row.pk if row else self._key(object_id), get_last_id(request))
        if row is None and not page.entries:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        name = row if row and not is_named_by_key(self.model) else object_id
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {self.row_kind or self.opts.verbose_name} {name}",
            "opts": self.opts,
            "object": row,
            "page": replace(page, entries=self.link_restore_pages(request, object_id, page.entries)),
        }
        return TemplateResponse(request, "audit/timeline.html", context)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """Redirect to the history of a row that was deleted, or else to the list, for people who may view them."""
        page, key = f"admin:{self.opts.app_label}_{self.opts.model_name}_", self._key(unquote(object_id))
        may_view = self.has_view_permission(request)
        if may_view and key is not None and request.user.has_perm(VIEW) and get_changes(self.model, key).exists():
            if request.method == "POST":
                messages.warning(request, f"Nothing was saved: somebody deleted this {self.opts.verbose_name}.")
            return HttpResponseRedirect(reverse(f"{page}history", args=[quote(key)]))
        response: HttpResponse = super()._get_obj_does_not_exist_redirect(request, opts, object_id)  # type: ignore[misc]  # a private method of Django
        return HttpResponseRedirect(reverse(f"{page}changelist")) if may_view else response

    def link_restore_pages(self, request: HttpRequest, object_id: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the entries, with the page that restores the row where there is one."""
        return entries

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        shown = {**(extra_context or {}), "hides_history": not request.user.has_perm(VIEW)}
        return super().changeform_view(request, object_id, form_url, shown)

    def get_editors(self, row: Model, conflicts: Sequence[Conflict]) -> Sequence[str]:
        changes = find_latest_changes(row, [(conflict.row, conflict.field) for conflict in conflicts])
        return [_describe_editor(change) if change else "somebody else" for change in changes]

    def log_addition(self, request: HttpRequest, obj: object, message: object) -> Any: ...

    def log_change(self, request: HttpRequest, obj: object, message: object) -> Any: ...

    def log_deletions(self, request: HttpRequest, queryset: object) -> Any: ...

    def _key(self, object_id: str) -> Any:
        try:
            return None if "\0" in object_id else self.opts.pk.to_python(object_id)
        except (ValidationError, ValueError):
            return None
