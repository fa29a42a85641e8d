"""Serves the distribution's Horizon with this plugin on a free port of this machine, and prints the address.

For test/src/horizon.test.ts: it ends with its standard input. Static files are Horizon's own, as its package
collected them, and the plugin's.
"""

import mimetypes
import os
import pathlib
import socketserver
import sys
import threading
import wsgiref.simple_server

os.environ["DJANGO_SETTINGS_MODULE"] = "served_settings"

from django.core.wsgi import get_wsgi_application

import cairn_dashboard

FOLDERS = [pathlib.Path(cairn_dashboard.__file__).parent / "static", pathlib.Path(os.environ["STATIC_ROOT"])]
PREFIX = "/static/"
mimetypes.add_type("text/javascript", ".js")


def with_static_files(application):
    def serve(environment, start):
        path = environment["PATH_INFO"]
        if not path.startswith(PREFIX):
            return application(environment, start)
        files = [folder / path[len(PREFIX):] for folder in FOLDERS]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            start("404 Not Found", [])
            return []
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        start("200 OK", [("Content-Type", kind)])
        return [found.read_bytes()]

    return serve


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


application = with_static_files(get_wsgi_application())
server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, Server, Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("http://127.0.0.1:%d" % server.server_port, flush=True)
sys.stdin.read()
