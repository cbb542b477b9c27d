#!/usr/bin/env python3
"""Holds listening sockets as systemd does, starts the daemon with them again and again, and meanwhile keeps it under load.

    holder.py --data PATH [--admin PATH] [--tcp ADDR:PORT] [--restarts N] [--kill] [--callers N] [--pause SECONDS] -- PROGRAM ARGUMENT...

Prints one line of name=value pairs, and a line for each kind of failure. Exits with 1 if a request failed, or a daemon did.

A caller keeps its connection and repeats a request only as RFC 9112 (9.3.1) allows and curl and hyper do it: on a connection that has been
used before, when sending failed or the connection ended before the first byte of an answer.
"""

import argparse
import collections
import http.client
import json
import os
import signal
import socket
import sys
import threading
import time


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Caller(threading.Thread):
    def __init__(self, name, connect, method, target, body, accepts, pause, ended):
        super().__init__(name=name, daemon=True)
        self.connect, self.method, self.target, self.body, self.accepts = connect, method, target, body, accepts
        self.pause, self.ended = pause, ended
        self.answered = self.repeated = self.unsent = self.last = 0
        self.failures = collections.Counter()

    def run(self):
        connection, is_used = None, False
        while not self.ended.is_set():
            if connection is None:
                connection, is_used = self.connect(), False
            is_sent = False
            try:
                connection.request(self.method, self.target, self.body, {"Content-Type": "application/json"} if self.body else {})
                is_sent = True
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as lost:
                connection.close()
                connection = None
                nothing_came = not is_sent or isinstance(lost, (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError))
                if is_used and nothing_came:
                    self.repeated += is_sent
                    self.unsent += not is_sent
                else:
                    self.failures[f"{'sent' if is_sent else 'sending'}, {'kept' if is_used else 'new'} connection: {lost!r}"] += 1
                continue
            if answer.status == 200 and self.accepts(content):
                self.answered += 1
            else:
                self.failures[f"{answer.status}: {content[:200]!r}"] += 1
            is_used = True
            if answer.will_close:
                self.last += 1
                connection.close()
                connection = None
            if self.pause:
                time.sleep(self.pause)


def listening(family, address):
    held = socket.socket(family, socket.SOCK_STREAM)
    if family == socket.AF_INET:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(address)
    held.listen(4096)
    return held


def start(command, held):
    def hand_over():
        # Away from the low numbers first: one socket may sit where another has to go.
        moved = [os.dup(one.fileno()) for one in held]
        high = [os.dup2(one, 100 + i) for i, one in enumerate(moved)]
        for i, one in enumerate(high):
            os.dup2(one, 3 + i)
        os.closerange(3 + len(high), 200)
        os.environ["LISTEN_PID"] = str(os.getpid())
        os.environ["LISTEN_FDS"] = str(len(high))
        os.execv(command[0], command)

    pid = os.fork()
    if pid == 0:
        try:
            hand_over()
        finally:
            os._exit(127)
    return pid


def has_key(content):
    return "plaintext_key" in json.loads(content)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--admin")
    parser.add_argument("--tcp")
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--kill", action="store_true", help="end the daemon with SIGKILL, while nothing is under way but what waits in the queue")
    parser.add_argument("--callers", type=int, default=4)
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("--every", type=float, default=0.5)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    given.command[0] = os.path.abspath(given.command[0])

    held = [listening(socket.AF_UNIX, given.data)]
    os.chmod(given.data, 0o660)
    if given.admin:
        held.append(listening(socket.AF_UNIX, given.admin))
    if given.tcp:
        host, port = given.tcp.rsplit(":", 1)
        held.append(listening(socket.AF_INET, (host, int(port))))

    ended = threading.Event()
    post = ("POST", "/v1/generate-data-key", "{}", has_key)
    callers = [Caller(f"data {i}", lambda: UnixConnection(given.data), *post, given.pause, ended) for i in range(given.callers)]
    # About as often as the end waits for another request, so that the two meet.
    callers.append(Caller("slow", lambda: UnixConnection(given.data), *post, 0.05, ended))
    callers.append(Caller("status", lambda: UnixConnection(given.data), "GET", "/v1/status", None, lambda _: True, given.pause, ended))
    if given.tcp:
        callers.append(Caller("tcp", lambda: http.client.HTTPConnection(host, int(port), timeout=60), "GET", "/livez", None, lambda _: True, given.pause, ended))

    bad_ends, stop_times = [], []
    daemon = None
    if given.kill:
        killed_rounds(given, held, bad_ends)
        print(f"kills={given.restarts} failed={len(bad_ends)}")
        for end in bad_ends:
            print(f"failure: {end}", file=sys.stderr)
        return 1 if bad_ends else 0

    for i in range(given.restarts + 1):
        daemon = start(given.command, held)
        if i == 0:
            # The first requests wait in the queue.
            for caller in callers:
                caller.start()
        answered = sum(caller.answered for caller in callers)
        deadline = time.monotonic() + 60
        while sum(caller.answered for caller in callers) < answered + 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(given.every)
        if i == given.restarts:
            break
        told = time.monotonic()
        os.kill(daemon, signal.SIGTERM)
        _, status = os.waitpid(daemon, 0)
        stop_times.append(time.monotonic() - told)
        if status != 0:
            bad_ends.append(f"daemon {i} ended with {os.waitstatus_to_exitcode(status)}")
    ended.set()
    for caller in callers:
        caller.join(60)
    os.kill(daemon, signal.SIGTERM)
    os.waitpid(daemon, 0)

    failures = collections.Counter()
    for caller in callers:
        for what, count in caller.failures.items():
            failures[f"{caller.name}: {what}"] += count
    total = {name: sum(getattr(caller, name) for caller in callers) for name in ("answered", "last", "unsent", "repeated")}
    by_data = sum(caller.repeated for caller in callers if caller.name.startswith(("data", "slow")))
    print(f"restarts={given.restarts} " + " ".join(f"{name}={count}" for name, count in total.items())
          + f" repeated_data={by_data} failed={sum(failures.values())} bad_ends={len(bad_ends)}"
          + f" stop_median_ms={sorted(stop_times)[len(stop_times) // 2] * 1000:.0f} stop_max_ms={max(stop_times) * 1000:.0f}")
    for what, count in failures.items():
        print(f"failure: {count} x {what}", file=sys.stderr)
    for end in bad_ends:
        print(f"failure: {end}", file=sys.stderr)
    return 1 if failures or bad_ends else 0


def killed_rounds(given, held, bad_ends):
    """SIGSTOP, so that nothing is taken from the queue any more; requests into it; SIGKILL; the next daemon answers them."""
    daemon = start(given.command, held)
    for i in range(given.restarts):
        warm = UnixConnection(given.data)
        warm.request("POST", "/v1/generate-data-key", "{}")
        warm.getresponse().read()
        os.kill(daemon, signal.SIGSTOP)
        # Until its last thread stands still: one that runs on for a moment still takes requests, which then end with it.
        os.waitpid(daemon, os.WUNTRACED)
        waiting = [UnixConnection(given.data) for _ in range(16)]
        for connection in waiting:
            connection.request("POST", "/v1/generate-data-key", "{}")
        os.kill(daemon, signal.SIGKILL)
        os.waitpid(daemon, 0)
        daemon = start(given.command, held)
        for connection in waiting:
            try:
                answer = connection.getresponse()
                if answer.status != 200 or not has_key(answer.read()):
                    bad_ends.append(f"round {i}: {answer.status}")
            except (OSError, http.client.HTTPException) as lost:
                bad_ends.append(f"round {i}: {lost!r}")
            connection.close()
    os.kill(daemon, signal.SIGTERM)
    os.waitpid(daemon, 0)


if __name__ == "__main__":
    sys.exit(main())
