"""The warning before an idle session ends."""

from django import template
from django.conf import settings
from django.template.context import Context

register = template.Library()


@register.inclusion_tag("accounts/idle.html", takes_context=True)
def idle_warning(context: Context) -> dict[str, object]:
    """Return the context of the inactivity warning; empty on pages without a signed-in person."""
    request, user = context.get("request"), context.get("user")
    if not request or not user or not user.is_authenticated:
        return {}
    return {
        "here": request.get_full_path() if request.method == "GET" else "",
        "seconds": settings.SESSION_IDLE_SECONDS,
        "warning": settings.SESSION_WARNING_SECONDS,
        "csrf_token": context.get("csrf_token"),
    }
