"""The buttons on a user's page that end the user's sessions and reset two-factor authentication."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from healthtrack.accounts import second_factor
from healthtrack.accounts.models import Session


class AccountSecurityAdmin(ModelAdmin[User]):
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
            Session.objects.filter(user=person).delete()

        return self._perform(request, number, end, "Signed out everywhere")

    @method_decorator(require_POST)
    def reset_view(self, request: HttpRequest, number: int) -> HttpResponse:
        return self._perform(
            request, number, second_factor.reset, "Two-factor authentication reset, and signed out everywhere"
        )

    def _perform(
        self, request: HttpRequest, number: int, action: Callable[[User], None], description: str
    ) -> HttpResponse:
        """Apply the action to the user with this number, log it, and return to the user's page."""
        person = self.get_object(request, str(number))
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if person is None:
            raise Http404
        self.log_change(request, person, description)
        action(person)
        if person == request.user:
            return redirect("admin:login")
        messages.success(request, f"{description}: {person.get_username()}.")
        return redirect("admin:auth_user_change", person.pk)
