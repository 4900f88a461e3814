import os

from django.core.wsgi import get_wsgi_application

from healthtrack.core.timeouts import limit_pages

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "healthtrack.settings")
limit_pages()
application = get_wsgi_application()
