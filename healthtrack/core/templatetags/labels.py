"""Label fields in tables for screen readers."""

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def labelled(field: BoundField, of: object = None) -> SafeString:
    """Return the field of a table cell with an aria-label: sighted people read its name in the column's header."""
    return field.as_widget(attrs={"aria-label": f"{field.label}: {of}" if of else str(field.label)})
