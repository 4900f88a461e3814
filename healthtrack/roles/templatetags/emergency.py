"""The line on every page while somebody uses emergency access."""

from typing import Any

from django import template

from healthtrack.roles.emergency import running_access
from healthtrack.roles.models import EmergencyAccess

register = template.Library()


@register.simple_tag(takes_context=True)
def emergency(context: dict[str, Any]) -> EmergencyAccess | None:
    """Return the person's current emergency access, or None."""
    user = context.get("user")
    return running_access(user) if user else None
