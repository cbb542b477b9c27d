#!/usr/bin/env python3
"""Stands in for RustFS's admin API: answers as RustFS 1.0.0-rc.3 was recorded to, verifies nothing, and writes down what it is asked.
  tests/rustfs-double.py PORT DIRECTORY [PEM]     PORT 0 for a free one; the port is written to DIRECTORY/port; TLS with certificate and key from PEM
DIRECTORY/key holds the default key and DIRECTORY/backend the backend type; DIRECTORY/fault, when it is there, names a fault:
not-ready, not-running, refuses, hangs, redirects (to the URL in DIRECTORY/elsewhere). Requests go to DIRECTORY/requests, one JSON a line."""
import json
import os
import pathlib
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

directory = pathlib.Path(sys.argv[2])
PREFIX = "/rustfs/admin/v3/kms/"
CAPABILITIES = {"encrypt": True, "decrypt": True, "generate_data_key": True, "rotate": True, "enable_disable": True,
                "schedule_deletion": True, "versioning": True, "physical_delete": False, "update_key_metadata": False, "rewrap": False}


def read(name):
    path = directory / name
    return path.read_text().strip() if path.exists() else ""


def write(name, text):
    """Whole or not at all: the script looks at it meanwhile."""
    (directory / f".{name}").write_text(text)
    os.replace(directory / f".{name}", directory / name)


def status():
    return {"backend_type": read("backend"), "backend_status": "healthy", "cache_enabled": True,
            "cache_stats": {"hit_count": 1, "miss_count": 4, "entry_count": 1, "eviction_count": 4},
            "default_key_id": read("key") or None, "capabilities": CAPABILITIES,
            "cluster_config": {"consistent": True, "nodes": [{"host": "local", "config_fingerprint": "5f" * 32}]}}


def config():
    return {"backend": read("backend"), "cache_enabled": True, "cache_max_keys": 2048, "cache_ttl_seconds": 600, "default_key_id": read("key") or None}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, code, body, content_type=None, location=None):
        data = body.encode()
        self.send_response(code)
        if content_type:
            self.send_header("Content-Type", content_type)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def xml(self, code, name, message):
        self.answer(code, f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{name}</Code><Message>{message}</Message></Error>', "application/xml")

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        with (directory / "requests").open("a") as requests:
            requests.write(json.dumps({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body}) + "\n")
        fault = read("fault")
        route = f"{self.command} {self.path.removeprefix(PREFIX)}"
        if fault == "hangs":
            time.sleep(3600)
        elif fault == "redirects":
            self.answer(307, "", location=read("elsewhere") + self.path)
        elif fault == "not-ready":
            self.xml(503, "ServiceUnavailable", "server context is not ready")
        elif fault == "not-running" and self.command == "GET":
            self.xml(500, "InternalError", "KMS service not initialized")
        elif route == "GET status":
            self.answer(200, json.dumps(status()), "application/json")
        elif route == "GET config":
            self.answer(200, json.dumps(config()), "application/json")
        elif route == "POST reconfigure" and fault == "refuses":
            self.answer(200, '{"success":false,"message":"Failed to reconfigure KMS: Configuration error: AWS KMS endpoint URL must use https","status":"Running"}')
        elif route == "POST reconfigure":
            write("key", json.loads(body)["default_key_id"])
            self.answer(200, '{"success":true,"message":"KMS reconfigured and restarted successfully","status":"Running"}')
        else:
            self.answer(501, '<?xml version="1.0" encoding="UTF-8"?><Error><Code>NotImplemented</Code></Error>', "application/xml")

    do_GET = do_POST = serve


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
write("port", str(server.server_port))
server.serve_forever()
