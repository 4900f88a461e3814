from django.apps import AppConfig


class SignInConfig(AppConfig):
    name = "healthtrack.signin"
    label = "signin"
    verbose_name = "Sign-in"

    def ready(self) -> None:
        from healthtrack.signin import signals  # noqa: F401, PLC0415  (its receivers need the models)
