from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def labelled(field: BoundField, of: object = None) -> SafeString:
    """A field of a table: the column's head names it to the eye, this to a screen reader."""
    return field.as_widget(attrs={"aria-label": f"{field.label}: {of}" if of else str(field.label)})
