from django import template
from django.template.context import Context

from healthtrack.navigation import Link, links

register = template.Library()


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Link]:
    """Nothing for who is not signed in, and on the pages that must do without the person who asks."""
    request = context.get("request")
    user = context.get("user")
    return links(user, request.path) if request and user and user.is_staff else []
