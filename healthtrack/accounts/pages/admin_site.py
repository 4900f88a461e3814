"""The sign-in of the admin site."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from healthtrack.accounts.pages.forms import SignInForm
from healthtrack.accounts.pages.views import ChangePassword
from healthtrack.accounts.sign_in import lockout, second_factor

if TYPE_CHECKING:
    from django.template.response import TemplateResponse

ENDED = {
    "idle": "You were signed out because you were inactive. Sign in to continue where you were.",
    "long": "You were signed out because your session reached its maximum length. Sign in to continue where you were.",
    "over": "Your session was ended: you signed out on another device, or your account was changed.",
    "everywhere": "You are signed out on all devices.",
}


class SignInSite(AdminSite):
    """An admin site that limits sign-in attempts, shows why a session ended, and asks for a code for a new password."""

    login_form = SignInForm

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the sign-in page. It leads to `next`, or to Home instead of the administration."""
        if request.method == "POST" and (refusal := lockout.get_refusal(request)):
            return refusal
        context = {**(extra_context or {}), "ended": ENDED.get(request.GET.get("ended", ""))}
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context = {REDIRECT_FIELD_NAME: reverse("home"), **context}
        answer = super().login(request, context)
        is_signed_in = request.method == "POST" and answer.status_code == HTTPStatus.FOUND
        if is_signed_in and not second_factor.is_part_of_sign_in(request):
            lockout.remember_browser(request, answer)
        return answer

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> "TemplateResponse":
        """Let people change their own password, with a code from their app if they have one."""
        context = {**self.each_context(request), **(extra_context or {})}
        return cast("TemplateResponse", ChangePassword.as_view(extra_context=context)(request))
