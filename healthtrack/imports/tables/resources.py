"""The base class of the resources that declare what can be imported and exported."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Never

from import_export.resources import ModelResource

from healthtrack.imports.columns import dates, number_widgets, widgets
from healthtrack.imports.columns.plan import DuplicateRows, Plan, RowRule, make_plan
from healthtrack.imports.row_warnings import RowWarning
from healthtrack.imports.tables.hooks import ImportHooks


class BulkModelResource(ImportHooks, ModelResource):
    """A django-import-export resource whose loop over rows is replaced by the import engine.

    Fields, headers and the key (Meta.import_id_fields) are declared as usual, and serve both export and import.
    """

    WIDGETS_MAP = {
        "CharField": widgets.TextWidget,
        "PositiveIntegerField": number_widgets.WholeNumberWidget,
        "DecimalField": number_widgets.DecimalWidget,
        "DateField": dates.DateWidget,
        "BooleanField": widgets.YesNoWidget,
    }
    duplicate_rows: ClassVar[DuplicateRows]
    # The field whose column has the numbers of patients; empty if the rows name none.
    patient_column: ClassVar[str] = ""
    # By field: other names that files of other programs have for its column.
    known_as: ClassVar[Mapping[str, Sequence[str]]] = {}
    # Example rows of the upload page: by field, as a file holds them.
    examples: ClassVar[Sequence[Mapping[str, str]]]
    if TYPE_CHECKING:
        _meta: Any  # made by the metaclass

    def __init__(self, **kwargs: Any) -> None:
        """Share the declared fields with all instances, which never alter them.

        django-import-export copies them, which takes a millisecond; an import makes a dozen resources.
        """
        declared, self.fields = self.fields, {}
        super().__init__(**kwargs)
        self.fields = declared

    @classmethod
    def widget_kwargs_for_field(cls, *_: object) -> dict[str, object]:
        return {}  # the engine's widgets read the model's field themselves

    @cached_property
    def plan(self) -> Plan:
        order = self.get_import_order()
        return make_plan(
            self._meta.model,
            {name: self.fields[name] for name in order},
            self._meta.import_id_fields,
            self.duplicate_rows,
            self.known_as,
        )

    def row_rules(self) -> Sequence[RowRule]:
        """Return the rules over several columns of a row."""
        return []

    def row_warnings(self) -> Sequence[RowWarning]:
        """Return the kinds of warnings of valid rows that may damage stored ones, the most serious first."""
        return []

    def import_data(self, *_: object, **__: object) -> Never:
        """Raise an error, because django-import-export's loop over rows would bypass the run, its checks and undo."""
        raise NotImplementedError("Use life_cycle.import_at_once, which records a run.")
