"""What administrators do to the sign-in of users: issue links, end sessions, reset two-factor authentication.

They deactivate accounts and never delete them, because the history names what an account did.
"""

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from healthtrack.accounts import mail
from healthtrack.accounts.event_recorder import record
from healthtrack.accounts.models import Session
from healthtrack.accounts.pages.forms import ConfirmationForm, NewAccountForm, PasswordOfAnotherForm
from healthtrack.accounts.sign_in import first_sign_in, second_factor
from healthtrack.accounts.sign_in_events import Kind
from healthtrack.accounts.sign_in_links import LIFETIME
from healthtrack.audit.admin_history import HistoryAdmin

ADVANCED_FIELDS = (
    *("password", "is_active", "is_staff", "is_superuser", "user_permissions", "last_login", "date_joined"),
)


class AccountSecurityAdmin(HistoryAdmin, UserAdmin[User]):
    change_form_template = "accounts/user.html"
    readonly_fields = ("is_active", "last_login", "date_joined")
    add_form = NewAccountForm
    add_form_template = None
    add_fieldsets: Any = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        ("Roles", {"fields": ("groups",)}),
    )
    fieldsets: ClassVar[Any] = (
        *add_fieldsets,
        ("Advanced", {"classes": ("collapse",), "fields": ADVANCED_FIELDS}),
    )

    def get_urls(self) -> list[URLPattern]:
        activation = self.admin_site.admin_view(self.activation_view)
        return [
            path("<int:number>/deactivate/", activation, {"activates": False}, name="auth_user_deactivate"),
            path("<int:number>/activate/", activation, {"activates": True}, name="auth_user_activate"),
            path("<int:number>/end-sessions/", self.admin_site.admin_view(self.end_view), name="auth_user_end"),
            path("<int:number>/sign-in-link/", self.admin_site.admin_view(self.link_view), name="auth_user_link"),
            path("<int:number>/reset-factor/", self.admin_site.admin_view(self.reset_view), name="auth_user_reset"),
            *(pattern for pattern in super().get_urls() if pattern.name != "auth_user_delete"),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Add an account, and show its sign-in link after the transaction, as mailing it may take seconds."""
        buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
        response: HttpResponse = super().add_view(request, form_url, {**buttons, **(extra_context or {})})
        person: User | None = getattr(request, "added_account", None)
        return self._show_new_link(request, person) if person else response

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        request.added_account = obj  # type: ignore[attr-defined]  # our own attribute of requests
        return HttpResponse()

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def link_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Issue a new sign-in link after a confirmation, with a code of the administrator."""
        person = self._get_person(request, number)
        if person.last_login or not person.is_active:
            messages.error(request, "Sign-in links are only for active accounts that have never signed in.")
            return redirect("admin:auth_user_change", person.pk)
        form = ConfirmationForm(request.POST if request.method == "POST" else None, request=request)
        if form.is_valid():
            return self._show_new_link(request, person)
        sentence = (
            f"{person.get_username()} has never signed in. A link works once, for 72 hours, and ends an earlier one."
        )
        return self._render(request, "accounts/confirm.html", form, person, "Issue a sign-in link", sentence=sentence)

    def _show_new_link(self, request: HttpRequest, person: User) -> HttpResponse:
        """Issue a sign-in link, mail it if that is possible, and show it this once."""
        link = first_sign_in.issue(request, person)
        context = {
            "title": f"Sign-in link for {person.get_username()}",
            "original": person,
            "opts": self.opts,
            "link": link,
            "hours": int(LIFETIME.total_seconds() // 3600),
            "is_mail_possible": mail.is_configured() and bool(person.email),
        }
        context["is_mailed"] = context["is_mail_possible"] and first_sign_in.send_link(request, person, link)
        return render(request, "accounts/new-link.html", {**self.admin_site.each_context(request), **context})

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
        return self._render(
            request, "accounts/activation.html", form, person, title, activates=activates, is_destructive=not activates
        )

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def end_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Sign a user out everywhere, after a confirmation."""

        def end(person: User) -> None:
            with transaction.atomic():
                Session.objects.filter(user=person).delete()
                record(request, Kind.SIGNED_OUT_EVERYWHERE, person)

        person = self._get_person(request, number)
        if request.method == "POST":
            return self._perform(request, person, end, "Signed out everywhere")
        sentence = f"{person.get_username()} has to sign in again in every browser, and loses what is not saved yet."
        title = "Sign out everywhere"
        return self._render(
            request, "accounts/confirm.html", Form(), person, title, sentence=sentence, is_destructive=True
        )

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def reset_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Reset the second factor of a user, after a code of the administrator, who may be at an unlocked computer."""
        person = self._get_person(request, number)
        form = ConfirmationForm(request.POST if request.method == "POST" else None, request=request)
        if not form.is_valid():
            sentence = (
                f"Removes the authenticator app and the recovery codes of {person.get_username()}, and signs them out "
                "everywhere. At the next sign-in they set a new password and another app, and see that you did this."
            )
            title = "Reset two-factor authentication"
            return self._render(
                request, "accounts/confirm.html", form, person, title, sentence=sentence, is_destructive=True
            )
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
        self, request: HttpRequest, template: str, form: Form, person: User, title: str, **context: object
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
