"""The page of roles, and the pages of emergency access."""

from typing import TYPE_CHECKING, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.mixins import UserPassesTestMixin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.core.client_address import client_address
from healthtrack.core.forms.fields import CleanedCharField
from healthtrack.roles import emergency
from healthtrack.roles.table import ROLES, rights

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class ReasonForm(forms.Form):
    reason = CleanedCharField(
        label="Why you need access to everything now",
        min_length=10,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Write it so that an auditor understands it. Refer to a patient by number.",
        error_messages={"required": "Enter a reason: you cannot use emergency access without one."},
    )

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if not is_sentence(reason):
            raise forms.ValidationError(
                "This reason says nothing to an auditor. Write in a few words what happened and what you need to know."
            )
        return reason


def is_sentence(text: str) -> bool:
    """Return whether a text can be a reason: it has two different words, and six different letters."""
    words = {word for word in text.casefold().split() if sum(map(str.isalpha, word)) > 1}
    return len(words) > 1 and len({letter for word in words for letter in word if letter.isalpha()}) > 5


class RolesPage(UserPassesTestMixin, View):
    """What each role can do, and what the person can do. Everybody may read it."""

    http_method_names = ["get", "head"]

    def test_func(self) -> bool:
        return admin.site.has_permission(self.request)

    def get(self, request: HttpRequest) -> HttpResponse:
        user = cast("User", request.user)
        rows = [
            (right.label, user.has_perms(right.permissions), [right in role.rights for role in ROLES])
            for right in rights()
        ]
        others = Group.objects.exclude(name__in=[role.name for role in ROLES]).order_by("name")
        context = {
            "title": "Roles",
            "roles": ROLES,
            "own_roles": list(user.groups.order_by("name").values_list("name", flat=True)),
            "rows": rows,
            "other_roles": others if user.has_perm("auth.view_group") else (),
        }
        return render(request, "roles/roles.html", {**admin.site.each_context(request), **context})


class EmergencyPage(UserPassesTestMixin, View):
    http_method_names = ["get", "head", "post"]

    def test_func(self) -> bool:
        return emergency.may_use(self.request.user)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(ReasonForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ReasonForm(request.POST)
        user = cast("User", request.user)
        if user.is_superuser or not form.is_valid():
            return self.page(form)
        if not emergency.running_access(user):
            with transaction.atomic():
                emergency.begin(user, form.cleaned_data["reason"], client_address(request))
                record(request, Kind.EMERGENCY_BEGAN, user)
        return redirect("home")

    def page(self, form: ReasonForm) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        context = {"title": "Emergency access", "form": form, "running": emergency.running_access(self.request.user)}
        return render(self.request, "roles/emergency.html", {**frame, **context})


class EndEmergency(EmergencyPage):
    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        user = cast("User", request.user)
        if emergency.running_access(user):
            with transaction.atomic():
                emergency.end(user)
                record(request, Kind.EMERGENCY_ENDED, user)
        messages.success(request, "Emergency access has ended. You now have the access of your roles again.")
        return redirect("home")
