"""The navigation of the person who is signed in."""

from django import template
from django.template.context import Context

from healthtrack.core.navigation import Link, get_links

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Link]:
    """Return the navigation, empty before the sign-in is complete and on error pages, which do not know the user."""
    request = context.get("request")
    user = context.get("user")
    if not request or not user or not user.is_staff or getattr(request, "owes_second_factor", False):
        return []
    return get_links(user, request.path)
