"""Every setting of the service, read from the environment in this one place. What is long is built elsewhere, of values
that are handed over: `beat`, `logs`, `transport`, the console's theme, the documentation.

`ENVIRONMENT` is `production` unless said otherwise. `make` says `development`; so does
`var/development.env`, which `manage.py up` writes, so that `manage.py` in a second terminal talks to
the server that is running. docs/install.md lists what production must set.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import beat, logs, transport
from config.console import theme
from config.embedded import place
from config.environment import Environment
from config.openapi import documentation

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = Environment()
if "ENVIRONMENT" not in env.ENVIRON and (VAR_DIR / "development.env").is_file():
    env.read_env(str(VAR_DIR / "development.env"))

ENVIRONMENT = env.str("ENVIRONMENT", default="production")
if ENVIRONMENT not in {"development", "production"}:
    raise ImproperlyConfigured(f"ENVIRONMENT is {ENVIRONMENT!r}; it must be development or production.")
DEVELOPMENT = ENVIRONMENT == "development"


def required_in_production(name: str, development: str) -> str:
    """The variable's value; in development a default, in production an error that names what is missing."""
    value = str(env.str(name, default="")) or (development if DEVELOPMENT else "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. Production needs it (docs/install.md); for development run `make run`"
            " or set ENVIRONMENT=development."
        )
    return value


# -- who we are on the wire ------------------------------------------------------------------------

PORT = env.int("PORT", default=9998)
PUBLIC_URL = required_in_production("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
OHI_APP_ID = env.str("OHI_APP_ID", default="ALI")
OHI_APP_VERSION = env.str("OHI_APP_VERSION", default="6.0.0")

# -- Django ----------------------------------------------------------------------------------------

SECRET_KEY = required_in_production("SECRET_KEY", "development-only-" + "k" * 50)
DEBUG = False  # never: the API's errors are documents, and DEBUG keeps every statement in memory
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if DEVELOPMENT else [])
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
LANGUAGE_CODE = "en-us"
USE_I18N = False
DATE_FORMAT, DATETIME_FORMAT = "Y-m-d", "Y-m-d H:i:s"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("BODY_LIMIT", default=1024 * 1024)
SILENT_SECONDS = env.float("SILENT_SECONDS", default=120)  # longer than any answer is in coming

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "audit.apps.AuditConfig",
    "consumption.apps.ConsumptionConfig",
    "consumption.schedules.apps.SchedulesConfig",
    "datafiles.apps.DatafilesConfig",
    "jobs.apps.JobsConfig",
    "jobs.callbacks.apps.CallbacksConfig",
    "jobs.notifications.apps.NotificationsConfig",
    "corsheaders",
    "axes",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_results",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

# config/handling.py says which of these an answer of the API does without.
MIDDLEWARE = [
    "hypermedia.middleware.RequestIdMiddleware",
    "config.metrics.RequestMetricsMiddleware",
    "hypermedia.middleware.ApiHeadersMiddleware",  # outside of CORS, whose `Vary` is not the contract's
    "config.origins.OriginMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.console.policy.PagePolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "audit.middleware.AuditMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "config.backends.ConsoleBackend"]
LOGIN_REDIRECT_URL = "/admin/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

STATIC_URL = "/static/"
STATIC_ROOT = None if DEVELOPMENT else env.str("STATIC_ROOT", default=str(VAR_DIR / "static"))
WHITENOISE_USE_FINDERS = DEVELOPMENT  # so that development needs no collectstatic

# -- database --------------------------------------------------------------------------------------

DATABASES = {
    "default": {
        **env.db_url_config(required_in_production("DATABASE_URL", place.of(BASE_DIR).database_url)),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL must be a postgresql:// address: the service runs on PostgreSQL only.")
DATABASES["default"]["ENGINE"] = "config.database"
CONNECTION_TRUST_SECONDS = 5.0  # between two questions whether a connection still lives
_given = DATABASES["default"].get("OPTIONS", {})
# Statements that are planned once a connection; a pooler that changes connections between transactions needs this off.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", default=True)
DATABASES["default"]["OPTIONS"] = {
    **({"prepare_threshold": 1} if PREPARED_STATEMENTS else {}),
    **_given,
    "connect_timeout": 5,
    "application_name": "tallyport",
    # A process that stands still, or whose machine is gone, must not hold its locks until TCP notices, hours later.
    "options": f"-c idle_in_transaction_session_timeout=60s {_given.get('options', '')}".rstrip(),
}

# A request waits this long for locks and statements and then answers 503; workers and commands have no such limits.
WEB_DATABASE_LIMITS = "-c lock_timeout=5s -c statement_timeout=30s"

# -- security --------------------------------------------------------------------------------------

# The first seed's `Authorization: user testuser1`: a name without a proof, for pasting examples only.
DEVELOPMENT_USER_HEADER = env.bool("DEVELOPMENT_USER_HEADER", default=DEVELOPMENT)
if DEVELOPMENT_USER_HEADER and not DEVELOPMENT:
    raise ImproperlyConfigured("DEVELOPMENT_USER_HEADER lets anybody be anybody; production refuses to start with it.")
CALLBACK_ERRORS_AS_HTTP = env.bool("CALLBACK_ERRORS_AS_HTTP", default=False)  # 400 and 404 instead of 200
BASIC_CACHE_SECONDS = 60
ACCESS_TOKEN_DAYS = env.int("ACCESS_TOKEN_DAYS", default=90)
ACCESS_TOKEN_MAX_DAYS = env.int("ACCESS_TOKEN_MAX_DAYS", default=366)
# A proxy ends TLS, sets `X-Forwarded-Proto`, and adds the client's address to `X-Forwarded-For`.
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", default=False)
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600  # a shift, and the talk after it
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if not DEVELOPMENT:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
    if BEHIND_TLS_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

# Pages of other origins may use the API with credentials that they hold, never with the console's cookie.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(?!admin/|static/|ws/)"
CORS_ALLOW_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
CORS_ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "if-range"),
    *("prefer", "range", "x-request-id"),
)
CORS_EXPOSE_HEADERS = (
    *("Accept-Ranges", "Allow", "Content-Disposition", "Content-Range", "ETag", "Expires", "Last-Modified", "Link"),
    *("Location", "Operation-Location", "Preference-Applied", "Repr-Digest", "Retry-After", "WWW-Authenticate"),
    *("X-OHI-APP-ID", "X-OHI-APP-VERSION", "X-Request-ID"),
)

# /metrics is open in development; in production to whoever shows the token, or asks from one of the networks.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = env.list("METRICS_NETWORKS", default=[])
METRICS_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")  # prometheus_client reads the same variable

_days = env.int("AUDIT_RETENTION_DAYS", default=400)
AUDIT_RETENTION = timedelta(days=_days)
if _days < 30:
    raise ImproperlyConfigured("AUDIT_RETENTION_DAYS has to be at least 30: the database keeps younger entries.")

# -- REST framework --------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.authentication.TokenAuthentication",
        "config.authentication.BasicAuthentication",
        *(["config.authentication.UserHeaderAuthentication"] if DEVELOPMENT_USER_HEADER else []),
        "config.authentication.OtherAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["hypermedia.media.ResourceRenderer", "hypermedia.media.PlainJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["hypermedia.parsers.ResourceParser", "hypermedia.parsers.PlainJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "hypermedia.media.ResourceNegotiation",
    "DEFAULT_THROTTLE_CLASSES": ["config.rates.RequestRate"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "NON_FIELD_ERRORS_KEY": "\0",  # no property is called that: the parser refuses NUL
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = documentation.settings(public_url=PUBLIC_URL)

# -- log-in to the console -------------------------------------------------------------------------

# A name is locked only for the address that failed, so that nobody can lock out a site or another user from outside.
# The API does not pass through axes, but is locked likewise (jobs/callbacks/guesses.py). In development its passwords
# are printed in the README, and tools that try wrong ones share their address with those that need the right ones.
LOGIN_FAILURES = env.int("LOGIN_FAILURES", default=10)
API_LOGIN_FAILURES = env.int("API_LOGIN_FAILURES", default=10_000 if DEVELOPMENT else LOGIN_FAILURES)
LOGIN_LOCK = timedelta(minutes=env.int("LOGIN_LOCK_MINUTES", default=10))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = LOGIN_FAILURES
AXES_COOLOFF_TIME = LOGIN_LOCK
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "hypermedia.origin.address_of"
AXES_LOCKOUT_TEMPLATE = "console/locked_out.html"
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True  # the audit trail has the log-ins
AXES_VERBOSE = False

# -- console ---------------------------------------------------------------------------------------

UNFOLD = theme.UNFOLD

# -- fair shares (0: no limit) ---------------------------------------------------------------------

REQUESTS_PER_MINUTE = env.int("REQUESTS_PER_MINUTE", default=600)  # of one user
POLLS_PER_MINUTE = env.int("POLLS_PER_MINUTE", default=1200)  # of one user: GETs that follow an operation
ACTIVE_OPERATIONS_PER_CLIENT = env.int("ACTIVE_OPERATIONS_PER_CLIENT", default=20)
WEB_THREADS = env.int("WEB_THREADS", default=min(8, 2 * (os.cpu_count() or 1) + 1))  # of one process; half may wait

# -- work ------------------------------------------------------------------------------------------

CELERY_BROKER_URL = required_in_production("CELERY_BROKER_URL", place.of(BASE_DIR).broker_url)
# Where the web processes share their counts of requests. A broker that speaks Redis's protocol will do.
RATES_URL = env.str("RATES_URL", default="")
if not RATES_URL and CELERY_BROKER_URL.startswith("redis"):
    RATES_URL = CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "operations"
CELERY_TASK_ROUTES = {
    "jobs.tasks.run": {"queue": "operations"},
    "jobs.notifications.tasks.deliver": {"queue": "deliveries"},
    "*": {"queue": "housekeeping"},
}
CELERY_TASK_IGNORE_RESULT = True  # the row is the truth; exports keep their result as a log of attempts
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT", default=6 * 3600)
CELERY_TASK_SOFT_TIME_LIMIT = env.int("TASK_SOFT_TIME_LIMIT", default=CELERY_TASK_TIME_LIMIT - 60)
if not 0 < CELERY_TASK_SOFT_TIME_LIMIT < CELERY_TASK_TIME_LIMIT:
    raise ImproperlyConfigured("TASK_SOFT_TIME_LIMIT has to lie between 0 and TASK_TIME_LIMIT, both in seconds.")
CELERY_WORKER_CONSUMER = "config.consumer:Consumer"
# Once more when a kept connection turns out to be dead: over AMQP that alone opens another one, for beat too.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
PUBLISH_SECONDS = 1.0  # how long an answer may wait for the broker before the sweep takes over
if CELERY_BROKER_URL.startswith("amqp"):  # queues that outlive a node of the cluster
    CELERY_TASK_DEFAULT_QUEUE_TYPE = CELERY_TASK_CREATE_MISSING_QUEUE_TYPE = "quorum"
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_TRANSPORT_OPTIONS = transport.options(url=CELERY_BROKER_URL, time_limit=CELERY_TASK_TIME_LIMIT)
SWEEP_SECONDS = env.float("SWEEP_SECONDS", default=5)
CELERY_BEAT_SCHEDULE = beat.schedule(sweep_seconds=SWEEP_SECONDS, publish_seconds=PUBLISH_SECONDS)
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "beat")

REPUBLISH_SECONDS = env.float("REPUBLISH_SECONDS", default=15)  # doubles with each resend
LEASE_SECONDS = env.float("LEASE_SECONDS", default=30)
LEASE_RENEWAL_SECONDS = env.float("LEASE_RENEWAL_SECONDS", default=2)
MAX_ATTEMPTS = 3
TASK_RETENTION = timedelta(days=env.int("TASK_RETENTION_DAYS", default=60))  # of what ended, messages and all
CLOSED_WINDOW_WAIT = timedelta(seconds=env.float("CLOSED_WINDOW_WAIT_SECONDS", default=300))

# A scheduled run that is planned later than this was missed.
SCHEDULE_LATE = timedelta(seconds=env.float("SCHEDULE_LATE_SECONDS", default=600))
SCHEDULED_RUN_RETENTION = timedelta(days=env.int("SCHEDULED_RUN_RETENTION_DAYS", default=400))

# A folder that arms the failpoints (hypermedia/failpoints.py); for tests of kills and outages only.
FAILPOINTS = env.str("FAILPOINTS", default="")
if FAILPOINTS and not DEVELOPMENT:
    raise ImproperlyConfigured("FAILPOINTS lets whoever writes to that folder end the service; production refuses it.")

# -- notifications ---------------------------------------------------------------------------------

# Seals the secrets of endpoints. A new key goes first; `manage.py reseal_secrets` then ends the old one.
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[SECRET_KEY])
DELIVERY_SCHEMES = env.list("DELIVERY_SCHEMES", default=["http", "https"] if DEVELOPMENT else ["https"])
DELIVERY_PORTS = env.list("DELIVERY_PORTS", cast=int, default=[] if DEVELOPMENT else [443, 8443])  # none: any
# Networks that events may go to although they are not public.
DELIVERY_ALLOWED_NETWORKS = env.list(
    "DELIVERY_ALLOWED_NETWORKS", default=["127.0.0.0/8", "::1/128"] if DEVELOPMENT else []
)
DELIVERY_CA_FILE = env.str("DELIVERY_CA_FILE", default="")  # certificates to trust instead of the system's
DELIVERY_CONNECT_SECONDS = env.float("DELIVERY_CONNECT_SECONDS", default=5)
DELIVERY_READ_SECONDS = env.float("DELIVERY_READ_SECONDS", default=10)
DELIVERY_TOTAL_SECONDS = env.float("DELIVERY_TOTAL_SECONDS", default=20)
DELIVERY_LEASE_SECONDS = env.float("DELIVERY_LEASE_SECONDS", default=3 * DELIVERY_TOTAL_SECONDS)
DELIVERY_THREADS = env.int("DELIVERY_THREADS", default=8)  # calls at once in one worker; it needs some threads more
DELIVERIES_PER_ENDPOINT = env.int("DELIVERIES_PER_ENDPOINT", default=4)
JOB_START_SECONDS = env.float("JOB_START_SECONDS", default=900)  # an integration that has not started by then is silent

NOTIFICATION_RETENTION = timedelta(days=env.int("NOTIFICATION_RETENTION_DAYS", default=60))

OPERATOR_EMAILS = env.list("OPERATOR_EMAILS", default=[])
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="tallyport@localhost")
EMAIL_TIMEOUT = 10
vars().update(env.email_url("EMAIL_URL", default="consolemail://" if DEVELOPMENT else "smtp://localhost:25"))

# -- files -----------------------------------------------------------------------------------------

DATA_FILES_STORAGE = env.str("DATA_FILES_STORAGE", default="local")
if DATA_FILES_STORAGE not in {"local", "s3"}:
    raise ImproperlyConfigured(f"DATA_FILES_STORAGE is {DATA_FILES_STORAGE!r}; it must be local or s3.")
DATA_FILES_DIR = Path(env.str("DATA_FILES_DIR", default=str(VAR_DIR / "files")))
LEFTOVER_SECONDS = env.float("LEFTOVER_SECONDS", default=24 * 3600)
if LEFTOVER_SECONDS <= CELERY_TASK_TIME_LIMIT:  # an attempt lasts no longer, so an older file belongs to none
    raise ImproperlyConfigured("LEFTOVER_SECONDS has to be greater than TASK_TIME_LIMIT.")
EXPORT_FILE_ROWS = env.int("EXPORT_FILE_ROWS", default=5_000_000)  # an export of more has several files
if EXPORT_FILE_ROWS < 1:
    raise ImproperlyConfigured("EXPORT_FILE_ROWS has to be at least 1.")
DATA_FILES_RETENTION = timedelta(days=env.int("DATA_FILES_RETENTION_DAYS", default=30))
# How long a set is remembered of which nothing is left, since its last change: until then it answers 410.
DATA_FILE_SETS_RETENTION = timedelta(days=env.int("DATA_FILE_SETS_RETENTION_DAYS", default=400))
DATA_FILES_SHARED = env.bool("DATA_FILES_SHARED", default=False)  # the folder is the same on all hosts
S3_BUCKET = env.str("S3_BUCKET", default="")
S3_ENDPOINT_URL = env.str("S3_ENDPOINT_URL", default="")  # empty: Amazon's
S3_PREFIX = env.str("S3_PREFIX", default="")  # of every key, "tallyport/" for one
if DATA_FILES_STORAGE == "s3" and not S3_BUCKET:
    raise ImproperlyConfigured("DATA_FILES_STORAGE=s3 needs S3_BUCKET.")
# Where nginx has an internal location for DATA_FILES_DIR, it sends the bytes: docs/install.md.
X_ACCEL_PREFIX = env.str("X_ACCEL_PREFIX", default="").rstrip("/")
if X_ACCEL_PREFIX and DATA_FILES_STORAGE != "local":
    raise ImproperlyConfigured("X_ACCEL_PREFIX is for files in a folder; with DATA_FILES_STORAGE=s3 leave it empty.")
UPLOAD_LIMIT = env.int("UPLOAD_LIMIT", default=10 * 1024**3)  # bytes of one upload
UNZIP_LIMIT = env.int("UNZIP_LIMIT", default=2 * UPLOAD_LIMIT)  # bytes that a ZIP may become
UNZIP_FILES = env.int("UNZIP_FILES", default=1000)
UNZIP_RATIO = env.int("UNZIP_RATIO", default=200)  # an entry that grows more than this is taken for a bomb

# -- the client for people (`manage.py export`, `watch`) -------------------------------------------

CLIENT_TOKEN = env.str("TALLYPORT_TOKEN", default="")
CLIENT_USER = env.str("TALLYPORT_USER", default="")
CLIENT_PASSWORD = env.str("TALLYPORT_PASSWORD", default="")

# -- logs ------------------------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="lines" if DEVELOPMENT else "json")
if LOG_FORMAT not in {"lines", "json"}:
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it must be lines or json.")
LOGGING = logs.configuration(form=LOG_FORMAT, level=env.str("LOG_LEVEL", default="INFO"))
