"""Encrypts one cell after another with one key."""

import hashlib
import secrets
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE, TAG = 12, 16  # bytes


def lock(head: bytes, key: bytes, aad: bytes, *, keyed: bool) -> Callable[[bytes], bytes]:
    """What seals a content behind ``head``, which is authenticated along as ``aad`` is.

    ``keyed``: the nonce is made from the content, which then is sealed to the same bytes each time; else at random.
    """
    encrypt, aad = AESGCM(key).encrypt, head + aad
    if not keyed:

        def random(content: bytes) -> bytes:
            nonce = secrets.token_bytes(NONCE)
            return head + nonce + encrypt(nonce, content, aad)

        return random
    blake, mac = hashlib.blake2b, hashlib.blake2b(aad, key=key, digest_size=32, person=b"nonce").digest()

    def same(content: bytes) -> bytes:
        nonce = blake(content, key=mac, digest_size=NONCE).digest()
        return head + nonce + encrypt(nonce, content, aad)

    return same
