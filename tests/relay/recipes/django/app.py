import time

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import StreamingHttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


def lines():
    for number in range(1, 41):
        yield f"data: step {number} of 40\n\n"
        time.sleep(0.1)
    yield "event: done\ndata\n\n"


def log(request, build):
    return StreamingHttpResponse(lines(), content_type="text/event-stream")


urlpatterns = [path("builds/<int:build>/log", log)]
application = get_wsgi_application()
