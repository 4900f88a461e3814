"""Leave out scripts that a page does not need."""

from django import template
from django.forms import Media
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def without(media: Media, names: str) -> SafeString:
    """Return the media without these scripts; those for slugs, which we do not use, are half of all script bytes."""
    left_out = [f"/{name}." for name in names.split()]
    scripts = (tag for tag in media.render_js() if not any(name in tag for name in left_out))
    return format_html_join("\n", "{}", ((tag,) for tag in (*media.render_css(), *scripts)))
