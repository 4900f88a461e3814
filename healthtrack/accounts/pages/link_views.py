"""The page of a sign-in link. Programs that check mails open links, so only its form signs somebody in."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views import View

from healthtrack.accounts.sign_in import first_sign_in, lockout, second_factor
from healthtrack.accounts.sign_in_links import SignInLink, find_usable

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# The address has the secret part, so the browser must not send it as a Referer. `no-referrer` would also remove the
# origin of the form, without which Django cannot see that the form is ours.
REFERRER_POLICY = "strict-origin"


class UseLink(View):
    """Lets a new person set the password, and signs them in."""

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Referrer-Policy"] = REFERRER_POLICY
        return response

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        link = self.find_link(token)
        return self.show(SetPasswordForm(link.account), link) if link else self.refuse()

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        link = self.find_link(token)
        if link is None:
            return self.refuse()
        form = SetPasswordForm(link.account, request.POST)
        if not form.is_valid():
            return self.show(form, link)
        if not first_sign_in.use(request, token, form.cleaned_data["new_password1"]):
            return self.refuse()
        response = redirect("home")
        return response if second_factor.is_part_of_sign_in(request) else lockout.remember_browser(request, response)

    def find_link(self, token: str) -> SignInLink | None:
        """Return the link if it works, for a browser in which nobody is signed in."""
        if self.request.user.is_authenticated:
            return None
        return find_usable(token).select_related("account", "issued_by").first()

    def show(self, form: "SetPasswordForm[User]", link: SignInLink) -> HttpResponse:
        return self.page("link", {"form": form, "link": link})

    def refuse(self) -> HttpResponse:
        is_signed_in = self.request.user.is_authenticated
        return self.page("link-refused", {}, HTTPStatus.OK if is_signed_in else HTTPStatus.GONE)

    def page(self, template: str, context: dict[str, object], status: int = HTTPStatus.OK) -> HttpResponse:
        frame = admin.site.each_context(self.request)
        return render(self.request, f"accounts/{template}.html", {**frame, **context}, status=status)
