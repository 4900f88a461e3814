"""The WSGI application that gunicorn serves."""

import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from healthtrack.core.database.pooling import use_pool
from healthtrack.core.database.timeouts import set_page_timeouts

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
use_pool()
set_page_timeouts()
application = get_wsgi_application()
import_module(settings.ROOT_URLCONF)  # imports all pages now, so that nobody's first request waits for it
