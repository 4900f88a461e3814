"""The link from each page to the section of the help that explains it."""

from django import template
from django.template.context import Context
from django.urls import reverse

from healthtrack.core.help import find_section

register = template.Library()


@register.simple_tag(takes_context=True)
def help_address(context: Context) -> str:
    """Return the address of the section about this page, or of the whole help, for pages that no section names."""
    match = getattr(context.get("request"), "resolver_match", None)
    section = find_section(match.view_name) if match else None
    return section.address if section else reverse("help")
