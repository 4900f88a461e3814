"""The navigation of the person who is signed in."""

from django import template
from django.template.context import Context

from healthtrack.core.navigation import Link, add_badges, get_links, get_trail, is_in_menu

register = template.Library()
_MADE = "healthtrack_navigation"  # on the request, because several parts of a page show the same links


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[Link]:
    """Return the navigation, empty before the sign-in is complete and on error pages, which do not know the user."""
    request = context.get("request")
    user = context.get("user")
    if not request or not user or not user.is_staff or getattr(request, "owes_second_factor", False):
        return []
    if not hasattr(request, _MADE):
        setattr(request, _MADE, add_badges(get_links(user, request.path), request))
    links: list[Link] = getattr(request, _MADE)
    return links


@register.simple_tag(takes_context=True)
def trail(context: Context) -> list[Link] | None:
    """Return the links above the page; None for a page to which the navigation links, which needs no breadcrumbs."""
    links = navigation(context)
    return None if is_in_menu(links) and not _is_of_action(context) else get_trail(links)


def _is_of_action(context: Context) -> bool:
    """Return whether the page is that of an action, such as a deletion, which has the address of its list."""
    request = context.get("request")
    if not request or request.method != "POST" or not request.resolver_match:
        return False
    return (request.resolver_match.url_name or "").endswith("_changelist")
