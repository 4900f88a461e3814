"""The pages on which people save, share, rename and delete views."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from healthtrack.core.forms.concurrent_edits import ConcurrentEditForm
from healthtrack.core.forms.fields import CleanedCharField
from reports.models import SavedView
from reports.report import StaffPage
from reports.saved_view_rules import (
    SHARE,
    UnsavableError,
    build_view,
    get_changeable_views,
    get_page_titles,
    get_visible_views,
    is_searched,
)

DUPLICATE_NAME = "You already have a view with this name. Choose another name."


class SavedViewForm(ConcurrentEditForm):
    class Meta:
        model = SavedView
        fields = ("name", "is_shared")
        field_classes = {"name": CleanedCharField}

    def __init__(self, user: User | AnonymousUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        if not user.has_perm(SHARE):
            del self.fields["is_shared"]

    def save_if_valid(self) -> bool:
        """Save the view if the form is valid, and return whether it was saved.

        The database checks that the name is unique, so that two requests at the same time cannot both use it.
        """
        if self.is_valid():
            try:
                with transaction.atomic():
                    self.save()
            except IntegrityError:
                self.add_error("name", DUPLICATE_NAME)
        return self.is_bound and not self.errors


class ViewPage(StaffPage):
    http_method_names = ["get", "head", "post"]

    def test_func(self) -> bool:
        return bool(get_page_titles(self.request.user))


class SavedViews(ViewPage):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        titles = get_page_titles(request.user)
        changeable = set(get_changeable_views(request.user).values_list("pk", flat=True))
        rows = [(view, titles[view.page], view.pk in changeable) for view in get_visible_views(request.user)]
        return self.page("saved-views", {"title": "Saved views", "rows": rows})


class SaveView(ViewPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self.respond(request.GET.get("of", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self.respond(request.POST.get("of", ""))

    def respond(self, address: str) -> HttpResponse:
        person = cast("User", self.request.user)
        try:
            view = build_view(address, person)
        except UnsavableError as error:
            return self.page("save-view", {"title": "Save this view", "error": error}, status=400)
        form = SavedViewForm(person, self.request.POST or None, instance=view)
        if form.save_if_valid():
            messages.success(self.request, f"Saved as “{view}”. Find it under Saved views.")
            return redirect(view.address)
        context = {"form": form, "view": view, "of": get_page_titles(person)[view.page], "here": address}
        return self.page("save-view", {"title": "Save this view", "is_searched": is_searched(address), **context})


class ChangeView(ViewPage):
    def get(self, request: HttpRequest, view_id: int) -> HttpResponse:
        return self.respond(view_id)

    def post(self, request: HttpRequest, view_id: int) -> HttpResponse:
        return self.respond(view_id)

    @transaction.atomic
    def respond(self, view_id: int) -> HttpResponse:
        views = get_changeable_views(self.request.user)
        if self.request.method == "POST":
            views = views.select_for_update(of=("self",), no_key=True)
        view = get_object_or_404(views, pk=view_id)
        title = f"Change “{view}”"
        form = SavedViewForm(self.request.user, self.request.POST or None, instance=view)
        if form.save_if_valid():
            messages.success(self.request, f"Changed “{view}”.")
            return redirect("reports:saved-views")
        conflicts = [(conflict, "somebody else") for conflict in form.conflicts]
        return self.page("change-view", {"title": title, "form": form, "view": view, "conflicts": conflicts})


class DeleteView(ViewPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, view_id: int) -> HttpResponse:
        view = get_object_or_404(get_changeable_views(request.user), pk=view_id)
        view.delete()
        messages.success(request, f"Deleted “{view}”.")
        return redirect("reports:saved-views")
