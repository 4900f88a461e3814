"""The middleware of every request, and why each has its place."""

# A request passes them from the first to the last, and its response from the last to the first.
MIDDLEWARE = [
    # First, so that whatever the others log or return has the id of the request.
    "healthtrack.core.middleware.request_id",
    # Outside of the rest, so that refusals, redirects and static files are counted and timed too.
    "healthtrack.operations.metrics.request_metrics",
    # Outside of whatever answers by itself, so that redirects, refusals and static files have the headers too.
    "healthtrack.core.middleware.security_headers",
    # Outside for the same reason: it adds the content security policy.
    "csp.middleware.CSPMiddleware",
    # Redirects to HTTPS before anything else is answered, including static files.
    "django.middleware.security.SecurityMiddleware",
    # Before anything reads the request, and inside of what gives its refusals their headers.
    "healthtrack.core.middleware.allowed_methods",
    # Static files need no session, no database and no compression: `collectstatic` compresses them.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside of everything that changes a page, because it compresses the finished page.
    "django.middleware.gzip.GZipMiddleware",
    # Outside of the sessions, whose end shows in the cookie.
    "healthtrack.accounts.middleware.clear_browser_cache",
    # Before the user, who is read from the session.
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Checks the host and adds missing slashes, before a view or the sign-in relies on the address.
    "django.middleware.common.CommonMiddleware",
    # Its token is in a cookie, so it needs no user; a form of another site reaches none of the following.
    "django.middleware.csrf.CsrfViewMiddleware",
    # Needs the session.
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Needs the user; records whether this session has passed the second factor.
    "django_otp.middleware.OTPMiddleware",
    # Needs the user; outside of everything that writes a date on a page.
    "healthtrack.accounts.middleware.personal_formats",
    # Needs the user; outside of the following, whose writes (the end of a session) are the person's too.
    "healthtrack.audit.actor.audit_actor_middleware",
    # Needs the user; outside of everything that may refuse a page.
    "healthtrack.accounts.middleware.record_refused_pages",
    # Outside of everything that shows patients: a response leaves only after the access log says who saw whom.
    "healthtrack.audit.access_recorder.access_log",
    # Needs the session; before what may leave a message for the next page.
    "django.contrib.messages.middleware.MessageMiddleware",
    # Before the second factor: after a session has ended, the person enters the password again, not a code.
    "healthtrack.accounts.middleware.session_timeout",
    # Before any page of the staff.
    "healthtrack.accounts.middleware.require_second_factor",
    # After the second factor, whose code whoever reset the password may lack.
    "healthtrack.accounts.middleware.require_new_password",
    # Inside of the access log: nobody saw a file that the rate limit refused.
    "healthtrack.accounts.middleware.download_rate_limit",
    # Answers for a locked-out sign-in; the last of those that use the user, as its documentation requires.
    "axes.middleware.AxesMiddleware",
    # Sets its header on responses of views; for all others, the content security policy above forbids frames.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Last, because the others read and write on the primary.
    "healthtrack.core.replicas.middleware.ReplicaMiddleware",
]
