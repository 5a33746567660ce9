"""The Ed25519 key that signs digests, and the public key that checks them.

A key is named by a reference: the path of a PEM file, or the address of a Key Vault secret that holds the same PEM
(`https://<vault>.vault.azure.net/secrets/digest`). Key Vault has no Ed25519 keys of its own, hence a secret.

    openssl genpkey -algorithm ed25519 -out digest.pem
    openssl pkey -in digest.pem -pubout -out digest.pub
"""

from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from audit.digests.key_vault import is_secret, read_secret
from audit.errors import KeyUnusable

_PRIVATE = b"PRIVATE KEY-----"


def signing_key(reference: str) -> Ed25519PrivateKey:
    """The private key.

    Raises:
        KeyUnusable: it cannot be read, or is no Ed25519 private key in PEM without a passphrase.
    """
    try:
        key = load_pem_private_key(_read(reference), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{reference} is no private key in PEM without a passphrase: {error}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(f"{reference} is not Ed25519: make one with `openssl genpkey -algorithm ed25519`")
    return key


def public_key(reference: str) -> Ed25519PublicKey:
    """The public key; the reference may also be that of the private one.

    Raises:
        KeyUnusable: it cannot be read, or is no Ed25519 key in PEM.
    """
    pem = _read(reference)
    if _PRIVATE in pem:
        return signing_key(reference).public_key()
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"{reference} is no public key in PEM: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable(f"{reference} is not an Ed25519 key")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 bytes of the public key, in hexadecimal."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _read(reference: str) -> bytes:
    if is_secret(reference):
        return read_secret(reference).encode()
    try:
        return Path(reference).read_bytes()
    except OSError as error:
        raise KeyUnusable(f"{reference} cannot be read: {error.strerror}") from None
