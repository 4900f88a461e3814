"""What administrators do to the sign-in of users: end sessions, reset two-factor authentication, set passwords.

They deactivate accounts and never delete them, because the history names what an account did.
"""

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
from django.views.decorators.http import require_http_methods, require_POST

from healthtrack.accounts import second_factor
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.forms import ConfirmationForm, NewAccountForm, PasswordOfAnotherForm
from healthtrack.accounts.models import Session
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.audit.admin_history import HistoryAdmin

CODE = "confirmation_code"


class AccountSecurityAdmin(HistoryAdmin, UserAdmin[User]):
    change_form_template = "accounts/user.html"
    readonly_fields = ("is_active", "last_login", "date_joined")
    add_form = NewAccountForm

    def get_urls(self) -> list[URLPattern]:
        activation = self.admin_site.admin_view(self.activation_view)
        return [
            path("<int:number>/deactivate/", activation, {"activates": False}, name="auth_user_deactivate"),
            path("<int:number>/activate/", activation, {"activates": True}, name="auth_user_activate"),
            path("<int:number>/end-sessions/", self.admin_site.admin_view(self.end_view), name="auth_user_end"),
            path("<int:number>/reset-factor/", self.admin_site.admin_view(self.reset_view), name="auth_user_reset"),
            *(pattern for pattern in super().get_urls() if pattern.name != "auth_user_delete"),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def activation_view(self, request: HttpRequest, number: int, *, activates: bool) -> HttpResponse:
        """Deactivate or activate an account after a confirmation, with a code of the administrator."""

        def change(person: User) -> None:
            person.is_active = activates
            person.save(update_fields=["is_active"])

        person = self._get_person(request, number)
        if person == request.user:
            messages.error(request, "You cannot deactivate your own account. Ask another administrator to do it.")
            return redirect("admin:auth_user_change", person.pk)
        form = ConfirmationForm(request.POST if request.method == "POST" else None, request=request)
        if form.is_valid():
            return self._perform(request, person, change, "Activated" if activates else "Deactivated and signed out")
        title = "Activate account" if activates else "Deactivate account"
        return self._render(request, "accounts/activation.html", form, person, title, activates=activates)

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
            return self._render(request, "accounts/confirm.html", form, person, "Reset two-factor authentication")
        reset = partial(second_factor.reset, request=request)
        return self._perform(request, person, reset, "Two-factor authentication reset, and signed out everywhere")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 (named by the base class)
        """Set a user's password, after a code of the administrator; people change their own with the old one."""
        if self.get_object(request, unquote(id)) == request.user:
            return redirect("admin:password_change")
        admin_of_request = copy(self)  # the admin is shared by all requests
        admin_of_request.change_password_form = partial(PasswordOfAnotherForm, request=request)
        return super(AccountSecurityAdmin, admin_of_request).user_change_password(request, id, form_url)

    def _render(
        self, request: HttpRequest, template: str, form: ConfirmationForm, person: User, title: str, **context: object
    ) -> HttpResponse:
        page = {"title": title, "form": form, "original": person, "opts": self.opts, **context}
        return render(request, template, {**self.admin_site.each_context(request), **page})

    def _get_person(self, request: HttpRequest, number: int) -> User:
        """Return the user with this number, whom the administrator may change."""
        person: User | None = self.get_object(request, str(number))
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if person is None:
            raise Http404
        return person

    def _perform(
        self, request: HttpRequest, person: User, action: Callable[[User], None], description: str
    ) -> HttpResponse:
        """Apply the action to the user, and return to the user's page."""
        action(person)
        if person == request.user:
            return redirect("admin:login")
        messages.success(request, f"{description}: {person.get_username()}.")
        return redirect("admin:auth_user_change", person.pk)
