"""Django's settings; those that differ between machines come from environment variables (environment/)."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.functional import SimpleLazyObject

from healthtrack import middleware
from healthtrack.core import secret_files
from healthtrack.core.database.pooling import DIRECT
from healthtrack.core.lazy_modules import import_when_used
from healthtrack.environment import Environment
from healthtrack.environment.servers import BASE_DIR
from healthtrack.operations.embedded_postgres import EMBEDDED_ENGINE

django_stubs_ext.monkeypatch()  # lets Django's classes be written with their types: ModelAdmin[TrackerModel]

# procrastinate imports these in every process, which is a fifth of its start-up time; only the worker uses them.
import_when_used("croniter")
import_when_used("dateutil.parser")

ENVIRONMENT = Environment.read(os.environ)

HEALTHTRACK_DATA_DIR = ENVIRONMENT.data_dir
HEALTHTRACK_PG_BIN = ENVIRONMENT.pg_bin
PORT = ENVIRONMENT.port
WEB_CONCURRENCY = ENVIRONMENT.web_concurrency

DEBUG = ENVIRONMENT.debug
PRODUCTION = ENVIRONMENT.production
# Whether everybody needs one. `manage.py serve` requires it only if the variable is set.
SECOND_FACTOR = not DEBUG if ENVIRONMENT.second_factor is None else ENVIRONMENT.second_factor
SECRET_KEY_FILE = HEALTHTRACK_DATA_DIR / "secret_key"
# The file is read only when the key is needed: commands that sign nothing work before the first start creates it.
SECRET_KEY = ENVIRONMENT.secret_key or cast(
    "str", SimpleLazyObject(lambda: secret_files.read_key(SECRET_KEY_FILE, "HEALTHTRACK_SECRET_KEY"))
)
SECRET_KEY_FALLBACKS = list(ENVIRONMENT.secret_key_fallbacks)
TOTP_KEY_FILE = HEALTHTRACK_DATA_DIR / "totp_key"
TOTP_KEYS = ENVIRONMENT.totp_keys or cast(
    "tuple[str, ...]",
    SimpleLazyObject(lambda: (secret_files.read_key(TOTP_KEY_FILE, "HEALTHTRACK_TOTP_KEYS"),)),
)
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)

INSTALLED_APPS = [
    "procrastinate.contrib.django",
    "django_otp.plugins.otp_totp",
    "reports",
    "readings",
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
    "healthtrack.audit.apps.TriggersConfig",
    "healthtrack.roles.apps.RolesConfig",  # last, as roles.checks says
]

MIDDLEWARE = middleware.MIDDLEWARE

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

_EMBEDDED = {"ENGINE": EMBEDDED_ENGINE, "NAME": "healthtrack", "USER": "healthtrack"}


def _configure(database: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **database,
        "OPTIONS": {"application_name": "healthtrack", **database.get("OPTIONS", {})},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,  # reconnects after the database has dropped the connection
    }


_PRIMARY = _configure(ENVIRONMENT.direct_database or ENVIRONMENT.database or _EMBEDDED)
DATABASES = {"default": _PRIMARY}
# The web server connects through it (core.pooling), and directly only for downloads.
POOLED_DATABASE = _configure(ENVIRONMENT.database) if ENVIRONMENT.direct_database and ENVIRONMENT.database else None
if POOLED_DATABASE:
    DATABASES[DIRECT] = {**_PRIMARY, "CONN_MAX_AGE": 0}
REPLICAS = tuple(f"replica{number}" for number in range(1, len(ENVIRONMENT.replicas) + 1))
REPLICA_MAX_LAG = ENVIRONMENT.replica_max_lag
DATABASES |= {alias: _configure(replica) for alias, replica in zip(REPLICAS, ENVIRONMENT.replicas, strict=True)}
DATABASE_ROUTERS = ["healthtrack.core.replicas.routing.ReplicaRouter"]

# The worker imports the jobs when it starts, and who asks for one imports it: other processes need none.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = None
PROCRASTINATE_IMPORT_PATHS = ["healthtrack.imports.tasks", "healthtrack.audit.tasks", "healthtrack.operations.tasks"]

_IN_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
CACHES = {
    "default": {"BACKEND": _IN_MEMORY},
    # They name patients, so only this process may read them. They are valid until the data changes.
    "reports": {"BACKEND": _IN_MEMORY, "LOCATION": "reports", "TIMEOUT": None},
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "healthtrack.roles.emergency.EmergencyBackend",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = "healthtrack.accounts.sign_in.lockout.get_lockout_parameters"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "healthtrack.accounts.sign_in.lockout.get_attempt_name"
AXES_CLIENT_IP_CALLABLE = "healthtrack.core.client_address.client_network"
AXES_LOCKOUT_CALLABLE = "healthtrack.accounts.sign_in.lockout.get_axes_refusal"
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
    )
]
AUTH_PASSWORD_VALIDATORS += [{"NAME": "healthtrack.accounts.sign_in.passwords.GuessablePasswordValidator"}]
PASSWORD_WORDS = ENVIRONMENT.password_words
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # for older passwords; the next sign-in hashes them with Argon2
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # messages may name a patient
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "home"
SESSION_ENGINE = "healthtrack.accounts.sign_in.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60  # from the sign-in on, even if the person is active
SESSION_IDLE_SECONDS = 15 * 60  # the session timeout
SESSION_WARNING_SECONDS = 2 * 60  # before the session timeout
KNOWN_BROWSER_COOKIE_NAME = "known"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024**2  # of a form, without its files
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
        "object-src": [NONE],  # default-src covers it, but checks of the policy look for it
        "frame-ancestors": [NONE],
        "report-uri": ["/policy-report"],
    }
}

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "healthtrack.formats"
TIME_ZONE = ENVIRONMENT.time_zone
DEFAULT_DATE_FORMAT = ENVIRONMENT.date_format
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"redacting": {"()": "healthtrack.core.logs.RedactingJsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "redacting"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "django": {"level": "ERROR"},
        "axes": {"level": "ERROR"},  # healthtrack.accounts logs what it refuses
        "healthtrack.accounts.event_recorder": {"level": "INFO"},  # successful sign-ins too
        "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}

STATIC_URL = "static/"
STATIC_ROOT = HEALTHTRACK_DATA_DIR / "static"
# Where uploads are stored while their runs are open. Nothing serves them.
MEDIA_ROOT = ENVIRONMENT.uploads_dir or HEALTHTRACK_DATA_DIR / "uploads"
# What is read of uploads in object storage, or of uploads in chunks, is copied to this machine first.
UPLOAD_COPIES = HEALTHTRACK_DATA_DIR / "copies"
_FOLDER = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700, "allow_overwrite": True},
}
UPLOADS_BUCKET = ENVIRONMENT.uploads_bucket
UPLOADS_BUCKET_OPTIONS = {
    "bucket_name": UPLOADS_BUCKET,
    "endpoint_url": ENVIRONMENT.uploads_endpoint or None,
    "object_parameters": {"ServerSideEncryption": ENVIRONMENT.uploads_encryption},
    "max_memory_size": 16 * 1024**2,  # more is read through a temporary file
}
_BUCKET = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": UPLOADS_BUCKET_OPTIONS}
STORAGES = {
    "default": _BUCKET if UPLOADS_BUCKET else _FOLDER,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_ALLOW_ALL_ORIGINS = False

READINGS_MAX_UNPACKED_BYTES = 32 * 1024**3
IMPORT_MAX_BYTES = ENVIRONMENT.max_upload_mb * 1024**2
IMPORT_MAX_ROWS = ENVIRONMENT.max_rows
UPLOADS_A_DAY = ENVIRONMENT.max_uploads_per_day

IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "import"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "export"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = False  # our widgets do, so that an import can undo it
IMPORT_EXPORT_ESCAPE_ILLEGAL_CHARS_ON_EXPORT = True

FILES_A_MINUTE = 10  # the rate limit: how many files one person may download in a minute
READINGS_UNDO_DAYS = ENVIRONMENT.readings_undo_days
READINGS_MONTHS = ENVIRONMENT.readings_months
ACCESS_LOG_MONTHS = ENVIRONMENT.access_log_months
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies
METRICS_ADDRESSES = ENVIRONMENT.metrics_addresses
BACKUP_RECIPIENTS = ENVIRONMENT.backup_recipients
BACKUP_SIGNING_KEY = ENVIRONMENT.backup_signing_key
BACKUP_VERIFY_KEYS = ENVIRONMENT.backup_verify_keys

MAIL_SERVER = ENVIRONMENT.mail_server
DEFAULT_FROM_EMAIL = ENVIRONMENT.mail_from
EMAIL_TIMEOUT = 10  # seconds
if MAIL_SERVER:
    EMAIL_HOST, EMAIL_PORT = MAIL_SERVER.host, MAIL_SERVER.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL_SERVER.user, MAIL_SERVER.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL_SERVER.encryption == "tls", MAIL_SERVER.encryption == "starttls"

if PRODUCTION:
    if ENVIRONMENT.https_header:
        SECURE_PROXY_SSL_HEADER = (ENVIRONMENT.https_header, "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = ["^healthz$", "^metrics$"]  # requested on this machine, without a proxy in between
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    KNOWN_BROWSER_COOKIE_NAME = "__Host-known"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
