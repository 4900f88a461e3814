from http import HTTPStatus
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin, autodiscover
from django.contrib.admin.models import LogEntry
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse

from healthtrack.audit.access_recorder import saw

MOST_ACTIONS = 10
ENDED = {
    "idle": "You were signed out because you were away for a while. Sign in to go on where you were.",
    "long": "You were signed out because you had been signed in for long. Sign in to go on where you were.",
    "over": "You were signed out meanwhile: by yourself elsewhere, or because your account was changed.",
    "everywhere": "You are signed out everywhere.",
}


class HealthTrackSite(AdminSite):
    site_header = "HealthTrack"
    site_title = "HealthTrack"
    index_title = "Administration"
    site_url = None  # the administration is the site

    def get_model_admin(self, model: type[Model]) -> ModelAdmin[Any]:
        autodiscover()
        return super().get_model_admin(model)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Without the address that leads to an object's page elsewhere: no object here has one."""
        autodiscover()
        return [pattern for pattern in super().get_urls() if getattr(pattern, "name", None) != "view_on_site"]

    enable_nav_sidebar = False

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Shows what its reader did last, by patients' numbers."""
        own = LogEntry.objects.filter(user=request.user.pk, content_type__model="medicalrecord")
        saw(str(number) for number in own.order_by("-action_time").values_list("object_id", flat=True)[:MOST_ACTIONS])
        return super().index(request, extra_context)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Leads to the front page who asked for no other, and not to the administration."""
        from healthtrack.accounts import lockout  # noqa: PLC0415  (it needs the models, which come later)

        if request.method == "POST" and (refusal := lockout.refusal(request)):
            return refusal
        context = {**(extra_context or {}), "ended": ENDED.get(request.GET.get("ended", ""))}
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            context = {REDIRECT_FIELD_NAME: reverse("home"), **context}
        answer = super().login(request, context)
        if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:  # as nothing else leads on from there
            lockout.remember_browser(request, answer)
        return answer
