import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from healthtrack.core.timeouts import limit_pages

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
limit_pages()
application = get_wsgi_application()
import_module(settings.ROOT_URLCONF)  # the pages and all they need, so that nobody's first request waits for it
