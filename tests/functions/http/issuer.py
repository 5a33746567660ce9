"""A token issuer on this machine: RSA keys, a JWKS document over HTTP, and tokens right and wrong."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://login.example/tenant/v2.0"
AUDIENCE = "api-client-id"


class LocalIssuer:
    """`requests` counts how often its keys were fetched; while `down` it answers 500."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.requests = 0
        self.down = False
        self.rotate("key-1")
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                self.send_response(500 if issuer.down else 200)
                self.end_headers()
                self.wfile.write(b"" if issuer.down else json.dumps(issuer.jwks()).encode())

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def rotate(self, key_id: str) -> None:
        """From now on this key alone is published and signs."""
        self.keys = {key_id: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def jwks(self) -> dict[str, Any]:
        return {
            "keys": [
                RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": key_id, "use": "sig", "alg": "RS256"}
                for key_id, key in self.keys.items()
            ]
        }

    def token(self, *roles: str, key_id: str | None = None, algorithm: str = "RS256", **claims: Any) -> str:
        """A good token, but for what `claims` make of it: None leaves a claim out, times are seconds from now."""
        signing, key = next(iter(self.keys.items()))
        now = int(time.time())
        body: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "oid": "11111111-2222-3333-4444-555555555555",
            "iat": 0,
            "nbf": 0,
            "exp": 600,
            "roles": list(roles),
        }
        body = {name: value for name, value in (body | claims).items() if value is not None}
        body |= {name: now + body[name] for name in ("iat", "nbf", "exp") if name in body}
        secret = "x" * 64 if algorithm.startswith("HS") else "" if algorithm == "none" else key
        return jwt.encode(body, secret, algorithm=algorithm, headers={"kid": key_id or signing})
