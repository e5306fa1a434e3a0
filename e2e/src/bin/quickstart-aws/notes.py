"""Keeps what is PUT to a path as an object of a bucket, and gives it to who GETs it. All that it needs is in its environment."""

import hashlib
import hmac
import os
import urllib.error
import urllib.request
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, urlsplit

ENDPOINT, BUCKET = os.environ["AWS_ENDPOINT_URL_S3"], os.environ["S3_BUCKET"]
REGION, KEY, SECRET = (os.environ["AWS_" + name] for name in ["REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"])


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def authorization(method, path, headers):
    """Signs a request without a query (AWS Signature Version 4)."""
    day, signed = headers["x-amz-date"][:8], ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"{method}\n{path}\n\n{lines}\n{signed}\n{headers['x-amz-content-sha256']}"
    scope = f"{day}/{REGION}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{scope}\n{sha256(request.encode())}"
    key = f"AWS4{SECRET}".encode()
    for part in [*scope.split("/"), text]:
        key = hmac.digest(key, part.encode(), "sha256")
    return f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={signed}, Signature={key.hex()}"


def s3(method, name, body=b""):
    """Sends a request about an object, and returns the status and the body of the answer."""
    path = quote(f"/{BUCKET}/{name}")
    headers = {
        "content-type": "text/plain",
        "host": urlsplit(ENDPOINT).netloc,
        "x-amz-content-sha256": sha256(body),
        "x-amz-date": datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ"),
    }
    headers["authorization"] = authorization(method, path, headers)
    request = urllib.request.Request(ENDPOINT + path, body or None, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


class Notes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(*s3("GET", self.path.lstrip("/")))

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.answer(*s3("PUT", self.path.lstrip("/"), body))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Notes).serve_forever()
