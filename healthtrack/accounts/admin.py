"""The users' pages with what ends their sessions and takes a lost second factor away."""

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


class SignInOfPeople(ModelAdmin[User]):
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

        return self._do(request, number, end, "Signed out everywhere")

    @method_decorator(require_POST)
    def reset_view(self, request: HttpRequest, number: int) -> HttpResponse:
        return self._do(request, number, second_factor.take_away, "Second factor taken away, and signed out everywhere")

    def _do(self, request: HttpRequest, number: int, deed: Callable[[User], None], what: str) -> HttpResponse:
        person = self.get_object(request, str(number))
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if person is None:
            raise Http404
        self.log_change(request, person, what)
        deed(person)
        if person == request.user:
            return redirect("admin:login")
        messages.success(request, f"{what}: {person.get_username()}.")
        return redirect("admin:auth_user_change", person.pk)
