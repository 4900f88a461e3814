"""The page on which people choose the columns and the page size of a list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control

from healthtrack.accounts.list_settings import ListSettings, get_list_settings
from healthtrack.accounts.pages.list_admin import PersonalListAdmin
from healthtrack.core.lists.changelist import get_column_label, get_column_name

PAGE_SIZES = (25, 50, 100, 200)
FILTERS = "_changelist_filters"  # as in Django's addresses of forms: the filters of the list to return to


class ListSettingsForm(forms.Form):
    """`columns` are the names of the shown columns; `order` those of all columns, in the order on the page."""

    columns = forms.MultipleChoiceField(
        error_messages={
            "required": "Choose at least one column.",
            "invalid_choice": "This list has no column %(value)s. Reload the page.",
        }
    )
    page_size = forms.TypedChoiceField(label="Rows per page", coerce=int)

    def __init__(self, labels: dict[str, str], page_sizes: Sequence[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["columns"].choices = list(labels.items())  # type: ignore[attr-defined]  # a field with choices
        self.fields["page_size"].choices = [(size, str(size)) for size in page_sizes]  # type: ignore[attr-defined]  # as above


@dataclass(frozen=True)
class Column:
    """A column on the page. `is_first` and `is_last` say that it cannot be moved further."""

    name: str
    label: str
    is_shown: bool
    is_first: bool
    is_last: bool


@method_decorator(cache_control(no_store=True), name="dispatch")
class ListSettingsPage(LoginRequiredMixin, View):
    """Columns move by buttons of the form, so that this works without scripts; only *Save* stores anything."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_authenticated:
            return self.handle_no_permission()
        self.model_admin = _find_admin(kwargs["list_name"])
        if not admin.site.has_permission(request) or not self.model_admin.has_view_permission(request):
            raise PermissionDenied
        columns = self.model_admin.get_columns(request)
        self.labels = {get_column_name(each): get_column_label(each, self.model_admin) for each in columns}
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, list_name: str) -> HttpResponse:
        shown = [get_column_name(column) for column in self.model_admin.get_list_display(request)]
        chosen = get_list_settings(request, list_name)
        size = chosen.page_size if chosen else self.model_admin.list_per_page
        return self._show(self._make_form(None, initial={"page_size": size}), shown, shown)

    def post(self, request: HttpRequest, list_name: str) -> HttpResponse:
        form = self._make_form(request.POST)
        order, shown = request.POST.getlist("order"), request.POST.getlist("columns")
        direction, _, name = request.POST.get("move", "").partition(":")
        if direction:
            return self._show(form, _move(order, name, -1 if direction == "up" else 1), shown, is_moving=True)
        mine = ListSettings.objects.filter(person=request.user.pk, list_name=list_name)
        if "reset" in request.POST:
            mine.delete()
        elif form.is_valid():
            names = sorted(form.cleaned_data["columns"], key=lambda each: order.index(each) if each in order else -1)
            values = {"columns": names, "page_size": form.cleaned_data["page_size"]}
            ListSettings.objects.update_or_create(person_id=request.user.pk, list_name=list_name, defaults=values)
        else:
            return self._show(form, order, shown)
        messages.success(
            request, "The standard columns are shown." if "reset" in request.POST else "The list is changed."
        )
        return redirect(self._list_address)

    def _make_form(self, data: Any, **kwargs: Any) -> ListSettingsForm:
        sizes = sorted({*PAGE_SIZES, self.model_admin.list_per_page})
        return ListSettingsForm(self.labels, sizes, data, label_suffix="", **kwargs)

    def _show(
        self, form: ListSettingsForm, order: Sequence[str], shown: Sequence[str], *, is_moving: bool = False
    ) -> HttpResponse:
        if is_moving:
            form.errors.clear()
        opts = self.model_admin.opts
        context = {
            **admin.site.each_context(self.request),
            "title": f"Columns of {opts.verbose_name_plural}",
            "opts": opts,
            "form": form,
            "columns": list(self._list_columns(order, shown)),
            "list_address": self._list_address,
        }
        return render(self.request, "accounts/list-settings.html", context)

    def _list_columns(self, order: Sequence[str], shown: Sequence[str]) -> Iterator[Column]:
        names = list(dict.fromkeys([*(name for name in order if name in self.labels), *self.labels]))
        for place, name in enumerate(names):
            yield Column(name, self.labels[name], name in shown, place == 0, place == len(names) - 1)

    @property
    def _list_address(self) -> str:
        address = reverse(f"admin:{self.model_admin.opts.app_label}_{self.model_admin.opts.model_name}_changelist")
        filters = self.request.GET.get(FILTERS)
        return f"{address}?{filters}" if filters else address


def _find_admin(list_name: str) -> PersonalListAdmin:
    try:
        found = admin.site.get_model_admin(apps.get_model(list_name))
    except (LookupError, ValueError, NotRegistered):
        raise Http404 from None
    if not isinstance(found, PersonalListAdmin) or found.opts.label_lower != list_name:
        raise Http404
    return found


def _move(order: Sequence[str], name: str, steps: int) -> list[str]:
    """Return the names with this one moved by a number of places, unless it would leave the list."""
    moved = list(order)
    if name in moved and 0 <= (place := moved.index(name) + steps) < len(moved):
        moved.remove(name)
        moved.insert(place, name)
    return moved
