"""The page of the activity log."""

from datetime import timedelta

from django import forms
from django.contrib import admin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.audit.activity import get_activity_page, get_single_page
from healthtrack.audit.admin_history import VIEW
from healthtrack.audit.models import Change
from healthtrack.audit.presentation import owners
from healthtrack.audit.triggers import recorded_models
from healthtrack.core.lists.log_pages import DayField, get_last_id, get_start
from healthtrack.core.permissions import Person, can_view

MAX_RUN_ID = 2**63 - 1


class ChangesForm(forms.Form):
    person = forms.ModelChoiceField(User.objects.order_by("username"), required=False, empty_label="Anybody")
    day = DayField(required=False)
    run = forms.IntegerField(label="Import", required=False, min_value=1, max_value=MAX_RUN_ID)
    each = forms.BooleanField(label="Each change on a line of its own", required=False)


def get_visible_changes(person: Person) -> QuerySet[Change]:
    """Return the changes of rows that the person may view."""
    tables = recorded_models()
    visible = [table for table, model in tables.items() if can_view(person, next(iter(owners(model).values()), model))]
    return Change.objects.all() if len(visible) == len(tables) else Change.objects.filter(table_name__in=visible)


@method_decorator(cache_control(no_store=True), name="dispatch")
class Changes(UserPassesTestMixin, View):
    """Groups of repeated changes; with a `group` in the address, each change of that group."""

    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request) and self.request.user.has_perm(VIEW)

    def get(self, request: HttpRequest) -> HttpResponse:
        form = ChangesForm(request.GET)
        changes = self._filter(form) if form.is_valid() else Change.objects.none()
        after, code = get_last_id(request), request.GET.get("group", "")
        is_single = bool(code or request.GET.get("each"))
        context = {
            **admin.site.each_context(request),
            "title": "Activity log",
            "form": form,
            "page": get_single_page(changes, code, after) if is_single else get_activity_page(changes, after),
            "is_group": bool(code),
        }
        return render(request, "audit/changes.html", context)

    def _filter(self, form: ChangesForm) -> QuerySet[Change]:
        changes = get_visible_changes(self.request.user)
        filters = form.cleaned_data
        if filters["person"]:
            changes = changes.filter(person=filters["person"])
        if filters["run"]:
            changes = changes.filter(run_id=filters["run"])
        if day := filters["day"]:
            start = get_start(day)
            changes = changes.filter(changed_at__gte=start, changed_at__lt=start + timedelta(days=1))
        return changes
