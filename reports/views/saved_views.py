"""The pages on which people save, share, rename and delete views."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from healthtrack.core.forms import CleanedCharField
from reports.models import SavedView
from reports.report import StaffPage
from reports.saved_view_rules import (
    SHARE,
    UnsavableError,
    changeable_by,
    is_searched,
    titles_open_to,
    view_of,
    visible_to,
)

TAKEN = "There is already a view of this name; choose another."


class SavedViewForm(forms.ModelForm[SavedView]):
    class Meta:
        model = SavedView
        fields = ("name", "is_shared")
        field_classes = {"name": CleanedCharField}

    def __init__(self, user: User | AnonymousUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        if not user.has_perm(SHARE):
            del self.fields["is_shared"]

    def saved(self) -> bool:
        """The database says whether the owner has a view of this name already, whoever saves at the same moment."""
        if self.is_valid():
            try:
                with transaction.atomic():
                    self.save()
            except IntegrityError:
                self.add_error("name", TAKEN)
        return self.is_bound and not self.errors


class ViewPage(StaffPage):
    http_method_names = ["get", "head", "post"]

    def test_func(self) -> bool:
        return bool(titles_open_to(self.request.user))


class SavedViews(ViewPage):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        titles = titles_open_to(request.user)
        changeable = set(changeable_by(request.user).values_list("pk", flat=True))
        rows = [(view, titles[view.page], view.pk in changeable) for view in visible_to(request.user)]
        return self.page("saved-views", {"title": "Saved views", "rows": rows})


class SaveView(ViewPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request.GET.get("of", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.answer(request.POST.get("of", ""))

    def answer(self, address: str) -> HttpResponse:
        person = cast("User", self.request.user)
        try:
            view = view_of(address, person)
        except UnsavableError as fault:
            return self.page("save-view", {"title": "Save this view", "fault": fault}, status=400)
        form = SavedViewForm(person, self.request.POST or None, instance=view)
        if form.saved():
            messages.success(self.request, f"Saved as “{view}”. It stands in the navigation under Saved views.")
            return redirect(view.address)
        context = {"form": form, "view": view, "of": titles_open_to(person)[view.page], "here": address}
        return self.page("save-view", {"title": "Save this view", "is_searched": is_searched(address), **context})


class ChangeView(ViewPage):
    def get(self, request: HttpRequest, view_id: int) -> HttpResponse:
        return self.answer(view_id)

    def post(self, request: HttpRequest, view_id: int) -> HttpResponse:
        return self.answer(view_id)

    def answer(self, view_id: int) -> HttpResponse:
        view = get_object_or_404(changeable_by(self.request.user), pk=view_id)
        title = f"Change “{view}”"
        form = SavedViewForm(self.request.user, self.request.POST or None, instance=view)
        if form.saved():
            messages.success(self.request, f"Changed “{view}”.")
            return redirect("reports:saved-views")
        return self.page("change-view", {"title": title, "form": form, "view": view})


class DeleteView(ViewPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, view_id: int) -> HttpResponse:
        view = get_object_or_404(changeable_by(request.user), pk=view_id)
        view.delete()
        messages.success(request, f"Deleted “{view}”.")
        return redirect("reports:saved-views")
