"""The form with the questions of a run's plan."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from django import forms
from django.http import QueryDict

from healthtrack.imports.reading_plans import Question, QuestionWording, ReadingPlan


class AnswersForm(forms.Form):
    """The questions of a plan, with the choices of each."""

    template: ClassVar[str] = "imports/questions.html"
    # The patients whose rows the form shows.
    shown_keys: Sequence[str] = ()

    def __init__(
        self, plan: ReadingPlan, get_wording: Callable[[Question], QuestionWording], data: QueryDict | None = None
    ) -> None:
        super().__init__(data)
        for question in plan.questions:
            wording = get_wording(question)
            self.fields[question.name] = forms.ChoiceField(
                label=wording.label,
                help_text=wording.help,
                choices=[(choice, wording.choices[choice]) for choice in question.choices],
                initial=question.suggested or None,
                widget=forms.RadioSelect,
                error_messages={"required": "Choose one of the answers."},
            )

    def get_profile(self) -> tuple[str, Sequence[str], Mapping[str, str]] | None:
        """Return the name, header and answers of the profile to save, or None."""
        return None

    def get_answers(self) -> Mapping[str, str]:
        """Return the answers to be stored, of a valid form."""
        return self.cleaned_data
