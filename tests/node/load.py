"""Makes and opens data keys on the data socket without pause, on connections that are kept, as RustFS does.

load.py SOCKET THREADS RESULT: until SIGTERM; then one line into RESULT: ok=N failed=N reconnected=N longest_ms=N, and the first failures after it.

A request goes out again only when nothing of it can have been taken: it could not be sent, or the kept connection ended before a byte of
the answer. Anything else that is not a 200 with the right key is a failure.
"""
import http.client
import json
import signal
import socket
import sys
import threading
import time

path, threads, result = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ended = threading.Event()
lock = threading.Lock()
totals = {"ok": 0, "failed": 0, "reconnected": 0, "longest_ms": 0}
failures = []


class Connection(http.client.HTTPConnection):
    def __init__(self):
        super().__init__("kms", timeout=60)
        self.used = False

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(path)


class Caller(threading.Thread):
    def run(self):
        self.connection = Connection()
        while not ended.is_set():
            begun = time.monotonic()
            try:
                self.pair()
                outcome = "ok"
            except Exception as fault:  # whatever it is, it is a request that failed
                outcome = "failed"
                self.renew()
                with lock:
                    failures.append(f"{time.time():.3f} {type(fault).__name__}: {fault}")
                ended.wait(0.05)
            with lock:
                totals[outcome] += 1
                totals["longest_ms"] = max(totals["longest_ms"], int((time.monotonic() - begun) * 1000))

    def pair(self):
        context = {"bucket": "load/object"}
        made = self.ask("/v1/generate-data-key", {"encryption_context": context})
        opened = self.ask("/v1/decrypt", {"ciphertext_blob": made["ciphertext_blob"], "encryption_context": context})
        if opened["plaintext_key"] != made["plaintext_key"]:
            raise ValueError("another key came back")

    def ask(self, route, body):
        while True:
            kept = self.connection.used
            try:
                self.connection.request("POST", route, json.dumps(body), {"Content-Type": "application/json"})
                answer = self.connection.getresponse()
            except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
                self.renew()
                if not kept:
                    raise
                with lock:
                    totals["reconnected"] += 1
                continue
            self.connection.used = True
            text = answer.read()
            if answer.will_close:
                self.renew()
            if answer.status != 200:
                raise ValueError(f"{answer.status} {text[:200]!r}")
            return json.loads(text)

    def renew(self):
        self.connection.close()
        self.connection = Connection()


signal.signal(signal.SIGTERM, lambda *_: ended.set())
callers = [Caller(daemon=True) for _ in range(threads)]
for caller in callers:
    caller.start()
ended.wait()
for caller in callers:
    caller.join(90)
with open(result, "w", encoding="utf-8") as file:
    file.write(" ".join(f"{name}={value}" for name, value in totals.items()) + "\n")
    file.writelines(f"{failure}\n" for failure in failures[:10])
