#!/usr/bin/env python3
"""Sends recorded requests of other programs to a daemon, as they were sent, and prints what each is answered.

  replay.py cli HOST:PORT RECORDING              the AWS CLI's requests, byte for byte: for a daemon with their keys and at their time
  replay.py rustfs HOST:PORT RECORDING KEY SECRET  RustFS's requests with RustFS's headers, signed anew: its secret is not recorded

One line a request: operation, status, error code or the answer's member names.
"""
import base64
import datetime
import hashlib
import hmac
import json
import re
import socket
import sys


def exchange(address, request):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += receive(connection)
        head, body = answer.split(b"\r\n\r\n", 1)
        length = int(re.search(rb"(?i)\r\ncontent-length: (\d+)", head).group(1))
        while len(body) < length:
            body += receive(connection)
    return int(head.split(b" ", 2)[1]), head.decode("ascii"), body


def receive(connection):
    part = connection.recv(65536)
    if not part:
        raise SystemExit("the daemon closed the connection")
    return part


def report(name, status, head, body):
    if not re.search(r"(?i)\r\nx-amzn-requestid: \S", head):
        what = "NO x-amzn-RequestId"
    elif not body:
        what = "nothing"
    elif body.startswith(b"<"):
        what = "xml"
    else:
        answer = json.loads(body)
        what = answer.get("__type") or ",".join(sorted(answer))
    print(name, status, what)


def write(line, headers, body):
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{line}\r\n{head}\r\n".encode("utf-8") + body


def replay_cli(address, recordings):
    for recording in recordings:
        if recording["client"] == "aws-cli":
            body = base64.b64decode(recording["body_base64"])
            report(recording["name"].replace(" ", "-"), *exchange(address, write(recording["request_line"], recording["headers"], body)))


def replay_rustfs(address, recordings, key, secret):
    for recording in recordings:
        if recording["method"] == "POST":
            headers = dict(recording["request_headers"])
            headers["host"] = address
            body = json.dumps(recording["request"], separators=(",", ":")).encode("utf-8")
            if int(headers["content-length"]) != len(body):
                raise SystemExit("the body is not the recorded one")
            sign(headers, body, key, secret)
            name = headers["x-amz-target"].split(".")[1]
            report(name, *exchange(address, write("POST / HTTP/1.1", headers.items(), body)))


def sign(headers, body, key, secret):
    """AWS Signature Version 4, with the header names that the recording signed."""
    names = re.search(r"SignedHeaders=([^,]+)", headers["authorization"]).group(1)
    time = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers["x-amz-date"] = time
    scope = f"{time[:8]}/us-east-1/kms/aws4_request"
    canonical = "POST\n/\n\n" + "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    canonical += f"\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = f"AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"


def main(mode, address, file, *rest):
    with open(file, encoding="utf-8") as text:
        recordings = json.load(text)
    if mode == "cli":
        replay_cli(address, recordings)
    else:
        replay_rustfs(address, recordings, *rest)


main(*sys.argv[1:])
