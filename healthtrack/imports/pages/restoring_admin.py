"""Pages of the admin that restore deleted rows from their history."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from healthtrack.audit.admin_history import VIEW, HistoryAdmin
from healthtrack.audit.models import Action, Change
from healthtrack.audit.presentation import Entry, entries
from healthtrack.audit.subjects import get_changed_model, record_access_to_changes
from healthtrack.audit.timelines import get_changes, newest
from healthtrack.audit.triggers import tracked_models
from healthtrack.imports.tables.hooks import UndoneRows
from healthtrack.imports.undo.deletions import Deletion, get_key, get_restorable_tables, restore

ALL = "all"


class RestoringAdmin(HistoryAdmin):
    """The history of a row leads to pages that restore what was deleted, for people who may delete it."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_restore"
        view = self.admin_site.admin_view(self.restore_view)
        return [path("<path:object_id>/restore/<int:change_id>/", view, name=name), *super().get_urls()]

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        response = super().response_delete(request, obj_display, obj_id)
        if request.user.has_perm(VIEW):
            words = 'If that was a mistake, <a href="{}">restore it from its history</a>.'
            self.message_user(request, format_html(words, self._get_page("history", quote(str(obj_id)))))
        return response

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        if request.user.has_perm(VIEW):
            words = 'If that was a mistake, <a href="{}">restore them from the activity log</a>.'
            self.message_user(request, format_html(words, reverse("changes")))

    def may_restore(self, request: HttpRequest, model: type[Model]) -> bool:
        """Return whether the person may restore rows of the model: its own, or those of its inlines."""
        if model is self.model:
            return self.has_delete_permission(request)
        inlines = [inline for inline in self.get_inline_instances(request) if inline.model is model]
        return any(inline.has_delete_permission(request) for inline in inlines)

    def after_restore(self, restored: UndoneRows) -> None:
        """Update what follows from restored rows, within the transaction."""

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().delete_view(
            request, object_id, {**(extra_context or {}), "is_restorable": request.user.has_perm(VIEW)}
        )

    def link_restore_pages(self, request: HttpRequest, object_id: str, entries: Sequence[Entry]) -> Sequence[Entry]:
        deletions = [entry.change_id for entry in entries if entry.action == Action.DELETE and entry.change_id]
        deleted = self._get_deleted_rows(request, deletions) if deletions else set()
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_restore"
        return [
            replace(entry, restore_href=reverse(page, args=[quote(object_id), entry.change_id]))
            if entry.change_id in deleted
            else entry
            for entry in entries
        ]

    def _get_deleted_rows(self, request: HttpRequest, changes: Sequence[int]) -> set[int]:
        """Return the latest deletion of each row that does not exist now and that the person may restore."""
        found = Change.objects.filter(pk__in=changes, table_name__in=get_restorable_tables())
        latest: dict[type[Model], dict[Any, int]] = defaultdict(dict)
        for change in found.order_by("change_id"):
            latest[get_changed_model(change)][get_key(change)] = change.change_id
        for model, rows in latest.items():
            if not self.may_restore(request, model):
                rows.clear()
            for key in model._base_manager.filter(pk__in=[*rows]).values_list("pk", flat=True):
                del rows[key]
        return {change for rows in latest.values() for change in rows.values()}

    @method_decorator([require_http_methods(["GET", "HEAD", "POST"]), never_cache])
    def restore_view(self, request: HttpRequest, object_id: str, change_id: int) -> HttpResponse:
        """Show what would be restored, and restore it: the row with what belonged to it, or all of the same step."""
        deletion = self._get_deletion(request, unquote(object_id), change_id)
        if not deletion.is_latest():
            return self._refuse(request, object_id)
        changes = [deletion.change, *deletion.with_it]
        if request.method == "POST":
            is_all = request.POST.get("rows") == ALL
            numbers = deletion.same_step if is_all else [change.change_id for change in changes]
            return self._restore(request, object_id, numbers)
        record_access_to_changes(changes)
        row, *with_it = entries(changes)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Restore {row.kind.lower()} {row.name}",
            "opts": self.opts,
            "row": row,
            "with_it": with_it,
            "deletion": deletion,
            "kinds": deletion.model._meta.verbose_name_plural,
            "history": self._get_page("history", object_id),
        }
        return TemplateResponse(request, "imports/restore.html", context)

    def _get_deletion(self, request: HttpRequest, object_id: str, change_id: int) -> Deletion:
        if not (self.has_view_permission(request) and request.user.has_perm(VIEW)):
            raise PermissionDenied
        key = self._key(object_id)
        change = newest(get_changes(self.model, key)).filter(pk=change_id).first() if key else None
        if change is None or change.action != Action.DELETE or change.table_name not in get_restorable_tables():
            raise Http404
        deletion = Deletion(change)
        if not self.may_restore(request, deletion.model):
            raise PermissionDenied
        return deletion

    def _restore(self, request: HttpRequest, object_id: str, changes: Sequence[int]) -> HttpResponse:
        counts = restore(changes, self.after_restore)
        if restored := [_describe(each.table, each.new) for each in counts if each.new]:
            self.message_user(request, f"Restored: {get_text_list(restored, 'and')}.", messages.SUCCESS)
        if left := [_describe(each.table, each.left) for each in counts if each.left]:
            why = "An equal row exists now, or what it belonged to does not exist."
            self.message_user(request, f"Not restored: {get_text_list(left, 'and')}. {why}", messages.WARNING)
        return HttpResponseRedirect(self._get_page("change" if restored else "history", object_id))

    def _refuse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page, history = self._get_page("change", object_id), self._get_page("history", object_id)
        words = 'Nothing was restored: this was added again since. <a href="{}">Open what is stored now</a>.'
        self.message_user(request, format_html(words, page), messages.ERROR)
        return HttpResponseRedirect(history)

    def _get_page(self, name: str, object_id: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{name}", args=[quote(unquote(object_id))])


def _describe(table: str, count: int) -> str:
    options = tracked_models()[table]._meta
    return f"{count:,} {options.verbose_name if count == 1 else options.verbose_name_plural}"
