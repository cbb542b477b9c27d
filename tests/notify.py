#!/usr/bin/env python3
"""Stands where systemd does, sd_notify(3), and holds threads as a debugger does, ptrace(2).

  notify.py listen SOCKET FILE    appends every assignment to FILE, with the time before it
  notify.py hold PID NAME FILE    holds the threads of PID that are called so until FILE is gone
"""
import ctypes
import os
import socket
import sys
import time

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


def listen(path, file):
    messages = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    messages.bind(path)
    with open(file, "a", encoding="utf-8") as out:
        while True:
            for assignment in messages.recv(8192).decode().splitlines():
                print(f"{time.monotonic():.1f} {assignment}", file=out, flush=True)


def hold(pid, name, file):
    libc = ctypes.CDLL(None, use_errno=True)

    def trace(request, thread):
        if libc.ptrace(request, thread, None, None) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    held = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as comm:
            if comm.read().strip() == name:
                held.append(int(thread))
    if not held:
        sys.exit(f"no thread of {pid} is called {name}")
    for thread in held:
        trace(PTRACE_SEIZE, thread)
        trace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
    print(f"held {len(held)}", flush=True)
    while os.path.exists(file):
        time.sleep(0.05)
    for thread in held:
        trace(PTRACE_DETACH, thread)


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        listen(sys.argv[2], sys.argv[3])
    else:
        hold(int(sys.argv[2]), sys.argv[3], sys.argv[4])
