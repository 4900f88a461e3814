from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF

from healthtrack import environment

django_stubs_ext.monkeypatch()  # lets Django's classes be written with their types: ModelAdmin[TrackerModel]

BASE_DIR = Path(__file__).resolve().parent.parent
HEALTHTRACK_DATA_DIR = environment.data_folder(BASE_DIR / "var")

DEBUG = environment.flag("HEALTHTRACK_DEBUG")
PRODUCTION = environment.production()
SECOND_FACTOR = environment.flag("HEALTHTRACK_SECOND_FACTOR", default=not DEBUG)  # whether everybody needs one
SECRET_KEY = environment.secret_key(HEALTHTRACK_DATA_DIR)
ALLOWED_HOSTS = environment.names("HEALTHTRACK_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "django_otp.plugins.otp_totp",
    "reports",
    "patients",
    "trackers",
    "healthtrack.imports.apps.ImportsConfig",
    "healthtrack.accounts.apps.AccountsConfig",
    "healthtrack.audit.apps.AuditConfig",
    "healthtrack.core.apps.CoreConfig",
    "healthtrack.operations.apps.OperationsConfig",
    "healthtrack.apps.HealthTrackConfig",
    "healthtrack.apps.HealthTrackAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "django_otp",
    "import_export",
    "pgtrigger",
    "healthtrack.roles.apps.RolesConfig",  # last, as roles.checks says
]

MIDDLEWARE = [
    "healthtrack.core.middleware.numbered",
    "healthtrack.operations.metrics.measured",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "healthtrack.core.middleware.guarded",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "healthtrack.audit.actor.attributed",
    "healthtrack.audit.access_recorder.logged",
    "django.contrib.messages.middleware.MessageMiddleware",
    "healthtrack.accounts.middleware.attended",
    "healthtrack.accounts.middleware.second_factor_asked",
    "healthtrack.accounts.middleware.moderated",
    "axes.middleware.AxesMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "healthtrack.urls"
WSGI_APPLICATION = "healthtrack.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # fields' templates may be ours

DATABASES = {
    "default": {
        **environment.database({"application_name": "healthtrack"}),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,  # a connection that the database has dropped meanwhile is made anew
    }
}

_IN_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
CACHES = {
    "default": {"BACKEND": _IN_MEMORY},
    # They name patients: nothing but this process may read them. They hold until the data changes.
    "reports": {"BACKEND": _IN_MEMORY, "LOCATION": "reports", "TIMEOUT": None},
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "healthtrack.roles.emergency.EmergencyBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # so that nobody else is locked out; see healthtrack.signin
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "healthtrack.accounts.lockout.name"
AXES_CLIENT_IP_CALLABLE = "healthtrack.accounts.lockout.address"
AXES_LOCKOUT_CALLABLE = "healthtrack.accounts.lockout.locked_out"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "HealthTrack"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {}),
        ("MinimumLengthValidator", {"min_length": 15}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # of passwords set before; the next sign-in renews them
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # messages may name a patient
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"
SESSION_ENGINE = "healthtrack.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60  # from the sign-in on, however active
SESSION_IDLE_SECONDS = 15 * 60
SESSION_WARNING_SECONDS = 2 * 60  # before that
KNOWN_BROWSER_COOKIE_NAME = "known"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2  # of a form, less its files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 5

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/policy-report"],
    }
}

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "healthtrack.formats"
TIME_ZONE = environment.time_zone("HEALTHTRACK_TIME_ZONE")
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"discreet": {"()": "healthtrack.core.logs.DiscreetFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "discreet"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"level": "ERROR"},
        "axes": {"level": "ERROR"},  # healthtrack.signin tells of what it refuses
        "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}

STATIC_URL = "static/"
STATIC_ROOT = HEALTHTRACK_DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

IMPORT_UPLOADS = HEALTHTRACK_DATA_DIR / "uploads"
IMPORT_MOST_BYTES = environment.whole_number("HEALTHTRACK_MOST_UPLOAD_MB", 200) * 1024**2
IMPORT_MOST_ROWS = environment.whole_number("HEALTHTRACK_MOST_ROWS", 5_000_000)

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = False  # the widgets do, so that an import can undo it
IMPORT_EXPORT_ESCAPE_ILLEGAL_CHARS_ON_EXPORT = True

FILES_A_MINUTE = 10  # that one person may take out
ACCESS_LOG_MONTHS = environment.whole_number("HEALTHTRACK_ACCESS_LOG_MONTHS", 72)
TRUSTED_PROXIES = environment.networks("HEALTHTRACK_TRUSTED_PROXIES", "")
METRICS_ADDRESSES = environment.networks("HEALTHTRACK_METRICS_ADDRESSES", "127.0.0.0/8,::1")
BACKUP_RECIPIENTS = environment.names("HEALTHTRACK_BACKUP_RECIPIENTS", "")

if PRODUCTION:
    if HTTPS_HEADER := environment.header("HEALTHTRACK_HTTPS_HEADER"):
        SECURE_PROXY_SSL_HEADER = (HTTPS_HEADER, "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^metrics$"]  # asked on this machine, where there is no proxy between
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    KNOWN_BROWSER_COOKIE_NAME = "__Host-known"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
