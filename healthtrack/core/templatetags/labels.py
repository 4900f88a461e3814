"""Label fields in tables for screen readers."""

import json

from django import template
from django.contrib.admin.helpers import InlineAdminFormSet
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def inline_data(inline: InlineAdminFormSet) -> str:
    """Return the settings for the admin's script of an inline, with the formset's own text on the link to add a row."""
    data = json.loads(inline.inline_formset_data())
    data["options"]["addText"] = getattr(inline.formset, "add_text", data["options"]["addText"])
    return json.dumps(data)


@register.simple_tag
def labelled(field: BoundField, of: object = None) -> SafeString:
    """Return the field of a table cell with an aria-label: sighted people read its name in the column's header."""
    cell = field.as_widget(attrs={"aria-label": f"{field.label}: {of}" if of else str(field.label)})
    return cell + field.as_hidden(only_initial=True) if field.field.show_hidden_initial else cell
