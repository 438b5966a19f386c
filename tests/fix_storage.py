"""A server in the shape of Supabase Storage, made from its published API: bytes on disk, rows in a real Postgres.

It knows the paths that we use and no others. Who may see a row is what row level security says for the role in the
token; a signed URL is a token of the service's secret, bound to one path; bytes lie as the file backend keeps them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import psycopg
from psycopg.rows import dict_row

from tests import fix_http

SECRET = "a-fake-jwt-secret-of-the-tests-with-enough-letters"
Answer = tuple[int, bytes, dict[str, str]]
Row = dict[str, Any]


def key(role: str) -> str:
    """Return the key of an API role."""
    return jwt.encode({"role": role, "iss": "a-test"}, SECRET, algorithm="HS256")


def tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def refusal(status: int, error: str, message: str) -> Answer:
    """Return what Storage says: 400, and which status it means in the body."""
    body = {"statusCode": str(status), "error": error, "message": message}
    return (500 if status == 500 else 400), json.dumps(body).encode(), {"Content-Type": "application/json"}


NO_OBJECT = refusal(404, "not_found", "Object not found")
NO_BUCKET = refusal(404, "Bucket not found", "Bucket not found")


@dataclass
class Storage:
    """The server's bytes and rows, and what a test makes of them."""

    root: Path
    connection: psycopg.Connection[Row]
    url: str = ""
    asked: list[str] = field(default_factory=list[str])
    fails: dict[str, int] = field(default_factory=dict[str, int])
    checks_signatures: bool = True
    uploads: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, bucket: str, name: str, data: bytes, **metadata: Any) -> None:
        """Have an object uploaded, by the app, some time ago."""
        self._write(
            bucket, name, data, {"mimetype": "text/plain", "cacheControl": "max-age=60", **metadata}, None
        )

    def file(self, bucket: str, name: str) -> Path:
        """Return where the bytes of an object lie."""
        row = self.row(bucket, name)
        assert row
        return self.root / bucket / name / str(row["version"])

    def row(self, bucket: str, name: str, role: str = "", claims: Row | None = None) -> Row | None:
        """Return the row of an object as a role sees it; as a superuser without one."""
        with self._lock, self.connection.transaction():
            if role:
                said = json.dumps(claims)
                self.connection.execute("select set_config('request.jwt.claims', %s, true)", (said,))
                self.connection.execute(f"set local role {role}".encode())
            found = self.connection.execute(
                "select * from storage.objects where bucket_id = %s and name = %s", (bucket, name)
            )
            return found.fetchone()

    def bucket(self, name: str) -> Row | None:
        with self._lock:
            return self.connection.execute("select * from storage.buckets where id = %s", (name,)).fetchone()

    def handle(self, method: str, target: str, headers: Any, body: bytes) -> Answer:
        """Answer one request."""
        parts = urlsplit(target)
        path, query = unquote(parts.path), parse_qs(parts.query)
        self.asked.append(f"{method} {path}")
        for pattern, status in self.fails.items():
            if re.fullmatch(pattern, f"{method} {path}"):
                return refusal(status, "failing", "as the test wants it")
        claims = self._claims(headers.get("Authorization", ""))
        found = re.fullmatch(r"/storage/v1/object(?:/(sign|public|authenticated))?/([^/]+)/(.+)", path)
        if not found:
            return 404, b"{}", {}
        way, bucket, name = found.groups()
        if method == "POST":
            return self._post(way, bucket, name, claims, headers, body)
        return self._get(way, bucket, name, claims, query, headers)

    def _get(
        self, way: str | None, bucket: str, name: str, claims: Row | None, query: Any, headers: Any
    ) -> Answer:
        if way == "sign":
            if not (problem := self._unsigned(bucket, name, query)):
                return self._bytes(bucket, name, self.row(bucket, name), headers)
            return problem
        there = self.bucket(bucket)
        if way == "public":
            return (
                self._bytes(bucket, name, self.row(bucket, name), headers)
                if there and there["public"]
                else NO_BUCKET
            )
        if claims is None:
            if way == "authenticated":
                return refusal(403, "Unauthorized", "jwt must be provided")
            if not there or not there["public"]:
                return NO_BUCKET
        if not there:
            return NO_BUCKET
        role = "" if there["public"] or claims is None else str(claims["role"])
        return self._bytes(bucket, name, self.row(bucket, name, role, claims), headers)

    def _unsigned(self, bucket: str, name: str, query: Any) -> Answer | None:
        if "token" not in query:
            return refusal(400, "Error", "querystring must have required property 'token'")
        if not self.checks_signatures:
            return None
        try:
            said = jwt.decode(query["token"][0], SECRET, algorithms=["HS256"])
        except jwt.PyJWTError as error:
            return refusal(400, "InvalidJWT", str(error))
        bound = said.get("url") == f"{bucket}/{name}" and said.get("scope") == "download"
        return None if bound else refusal(400, "InvalidSignature", "Invalid signature")

    def _bytes(self, bucket: str, name: str, row: Row | None, headers: Any) -> Answer:
        path = self.root / bucket / name / str(row["version"]) if row else None
        if row is None or path is None or not path.is_file():
            return NO_OBJECT
        data = path.read_bytes()
        said = {"ETag": tag(data), "Content-Type": row["metadata"]["mimetype"]}
        if "Range" not in headers:
            return 200, data, said
        assert headers["Range"] == "bytes=0-0"
        if not data:
            return 416, b"", {"Content-Range": "bytes */0"}
        return 206, data[:1], {**said, "Content-Range": f"bytes 0-0/{len(data)}"}

    def _post(
        self, way: str | None, bucket: str, name: str, claims: Row | None, headers: Any, body: bytes
    ) -> Answer:
        if claims is None:
            return refusal(403, "Unauthorized", "jwt must be provided")
        role = str(claims["role"])
        if way == "sign":
            if not self.row(bucket, name, role, claims):
                return refusal(404, "not_found", "Object not found")
            ends = datetime.now(UTC) + timedelta(seconds=int(json.loads(body)["expiresIn"]))
            said = {"url": f"{bucket}/{name}", "scope": "download", "exp": ends}
            token = jwt.encode(said, SECRET, algorithm="HS256")
            url = f"/object/sign/{bucket}/{name}?token={token}"
            return 200, json.dumps({"signedURL": url}).encode(), {"Content-Type": "application/json"}
        return self._upload(bucket, name, role, headers, body)

    def _upload(self, bucket: str, name: str, role: str, headers: Any, body: bytes) -> Answer:
        there, kind = self.bucket(bucket), headers["Content-Type"]
        if not there:
            return NO_BUCKET
        if there["file_size_limit"] and len(body) > there["file_size_limit"]:
            return refusal(413, "Payload too large", "The object exceeded the maximum allowed size")
        if there["allowed_mime_types"] and kind not in there["allowed_mime_types"]:
            return refusal(415, "invalid_mime_type", f"mime type {kind} is not supported")
        if headers.get("x-upsert") != "true" and self.row(bucket, name):
            return refusal(409, "Duplicate", "The resource already exists")
        if role != "service_role":
            return refusal(403, "Unauthorized", "new row violates row-level security policy")
        own = json.loads(base64.b64decode(headers["x-metadata"])) if "x-metadata" in headers else {}
        facts = {"mimetype": kind, "cacheControl": headers.get("Cache-Control", "no-cache")}
        self._write(bucket, name, body, facts, own)
        self.uploads += 1
        said = {"Id": str(uuid.uuid4()), "Key": f"{bucket}/{name}"}
        return 200, json.dumps(said).encode(), {"Content-Type": "application/json"}

    def _write(self, bucket: str, name: str, data: bytes, facts: Row, own: Row | None) -> None:
        """Write the bytes as a new version, then the row, and remove the version before, as Storage does."""
        before, version = self.row(bucket, name), str(uuid.uuid4())
        path = self.root / bucket / name / version
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        now = datetime.now(UTC).isoformat()
        metadata = {
            "size": len(data),
            "eTag": tag(data),
            "lastModified": now,
            "contentLength": len(data),
            **facts,
        }
        with self._lock:
            self.connection.execute(
                "insert into storage.objects (bucket_id, name, version, metadata, user_metadata)"
                " values (%s, %s, %s, %s::jsonb, %s::jsonb) on conflict (name, bucket_id) do update"
                " set version = excluded.version, metadata = excluded.metadata, user_metadata = excluded.user_metadata",
                (bucket, name, version, json.dumps(metadata), json.dumps(own) if own is not None else None),
            )
        if before:
            (path.parent / str(before["version"])).unlink(missing_ok=True)

    def _claims(self, authorization: str) -> Row | None:
        try:
            return jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
        except jwt.PyJWTError:
            return None


@contextmanager
def serving(root: Path, dsn: str) -> Generator[Storage]:
    """Run the server over this folder and database."""
    connection = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
    storage = Storage(root, connection)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: the second would wait for the first to be acknowledged.
        wbufsize = -1

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                # Half a request is none.
                self.close_connection = True
                return
            status, content, headers = storage.handle(self.command, self.path, self.headers, body)
            self.send_response(status)
            for name, said in headers.items():
                self.send_header(name, said)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with connection, fix_http.serving(Handler) as address:
        storage.url = address
        yield storage
