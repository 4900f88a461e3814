"""What administrators do to the sign-in of users: end sessions, reset two-factor authentication, set passwords."""

from collections.abc import Callable
from copy import copy
from functools import partial

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from healthtrack.accounts import second_factor
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.forms import ConfirmationForm, PasswordOfAnotherForm
from healthtrack.accounts.models import Session
from healthtrack.accounts.sign_in_events import Kind

CODE = "confirmation_code"


class AccountSecurityAdmin(UserAdmin[User]):
    change_form_template = "accounts/user.html"

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:number>/end-sessions/", self.admin_site.admin_view(self.end_view), name="auth_user_end"),
            path("<int:number>/reset-factor/", self.admin_site.admin_view(self.reset_view), name="auth_user_reset"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def end_view(self, request: HttpRequest, number: int) -> HttpResponse:
        def end(person: User) -> None:
            with transaction.atomic():
                Session.objects.filter(user=person).delete()
                record(request, Kind.SIGNED_OUT_EVERYWHERE, person)

        person = self._get_person(request, number)
        return self._perform(request, person, end, "Signed out everywhere")

    @method_decorator(require_POST)
    def reset_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Reset the second factor of a user, after a code of the administrator, who may be at an unlocked computer."""
        person = self._get_person(request, number)
        form = ConfirmationForm(request.POST if CODE in request.POST else None, request=request)
        if form.fields and not form.is_valid():
            context = {"title": "Reset two-factor authentication", "form": form, "original": person, "opts": self.opts}
            return render(request, "accounts/confirm.html", {**self.admin_site.each_context(request), **context})
        reset = partial(second_factor.reset, request=request)
        return self._perform(request, person, reset, "Two-factor authentication reset, and signed out everywhere")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 (named by the base class)
        """Set a user's password, after a code of the administrator; people change their own with the old one."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("admin:password_change")
        admin_of_request = copy(self)  # the admin is shared by all requests
        admin_of_request.change_password_form = partial(PasswordOfAnotherForm, request=request)
        return super(AccountSecurityAdmin, admin_of_request).user_change_password(request, id, form_url)

    def _get_person(self, request: HttpRequest, number: int) -> User:
        """Return the user with this number, whom the administrator may change."""
        person = self.get_object(request, str(number))
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if person is None:
            raise Http404
        return person

    def _perform(
        self, request: HttpRequest, person: User, action: Callable[[User], None], description: str
    ) -> HttpResponse:
        """Apply the action to the user, log it, and return to the user's page."""
        self.log_change(request, person, description)
        action(person)
        if person == request.user:
            return redirect("admin:login")
        messages.success(request, f"{description}: {person.get_username()}.")
        return redirect("admin:auth_user_change", person.pk)
