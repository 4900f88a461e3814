from django import template
from django.template.context import Context

from healthtrack.core.navigation import Link, links

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Link]:
    """Nothing for who is not signed in wholly, and on the pages that must do without the person who asks."""
    request = context.get("request")
    user = context.get("user")
    if not request or not user or not user.is_staff or getattr(request, "owes_second_factor", False):
        return []
    return links(user, request.path)
