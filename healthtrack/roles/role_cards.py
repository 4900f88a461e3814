"""The choice of roles as cards, each of which says what the role may do."""

from typing import Any, ClassVar

from django.forms import CheckboxSelectMultiple

from healthtrack.roles.table import ROLES

_DESCRIPTIONS = {role.name: role.description for role in ROLES}


class RoleCards(CheckboxSelectMultiple):
    template_name = "roles/role-cards.html"

    class Media:
        css: ClassVar = {"all": ["roles/role-cards.css"]}

    def optgroups(self, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the options in the order of the page of the roles, and then those of the organization."""
        places = {name: place for place, name in enumerate(_DESCRIPTIONS)}
        options = super().optgroups(*args, **kwargs)
        return sorted(options, key=lambda group: places.get(str(group[1][0]["label"]), len(places)))

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the option of a role with its description; groups that superusers added have none."""
        option = super().create_option(name, value, label, *args, **kwargs)
        return {**option, "description": _DESCRIPTIONS.get(str(label), "A role that your organization added.")}
