"""The sign-in of the admin site."""

from http import HTTPStatus
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from healthtrack.accounts import lockout

ENDED = {
    "idle": "You were signed out because you were away for a while. Sign in to go on where you were.",
    "long": "You were signed out because you had been signed in for long. Sign in to go on where you were.",
    "over": "You were signed out meanwhile: by yourself elsewhere, or because your account was changed.",
    "everywhere": "You are signed out everywhere.",
}


class SignInSite(AdminSite):
    """An admin site that limits attempts to sign in, and says why a session ended."""

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead people who asked for no other page to the front page, and not to the administration."""
        if request.method == "POST" and (refusal := lockout.refusal(request)):
            return refusal
        context = {**(extra_context or {}), "ended": ENDED.get(request.GET.get("ended", ""))}
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context = {REDIRECT_FIELD_NAME: reverse("home"), **context}
        answer = super().login(request, context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:  # nothing else redirects from there
            lockout.remember_browser(request, answer)
        return answer
