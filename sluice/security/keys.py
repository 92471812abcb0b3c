"""Key-encryption keys: what data keys are wrapped with. They come from the environment, a file, Vault or a block.

Several may be given, the current one first; the others still unwrap what they have wrapped. Each is 32 bytes, written
in base64, and known by an id that is made from it and tells nothing of it.
"""

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sluice.errors import RetryError, SetupError
from sluice.settings import Settings

SIZE, NONCE = 32, 12  # bytes
_WAYS = "SLUICE_ENCRYPTION_KEY, SLUICE_ENCRYPTION_KEY_FILE, SLUICE_VAULT_URL or the warehouse's block"


@dataclass(frozen=True, slots=True)
class Kek:
    """One key-encryption key."""

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """What names it, eight hexadecimal digits."""
        return hashlib.blake2b(self.key, digest_size=4, person=b"sluice-kek").hexdigest()

    def wrap(self, plain: bytes, about: str) -> bytes:
        """The key ``plain`` wrapped; ``about`` says which it is, so that none can stand for another."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, plain, about.encode())

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        """The plain key. Raises SetupError if it was changed, or is another's."""
        try:
            return AESGCM(self.key).decrypt(wrapped[:NONCE], wrapped[NONCE:], about.encode())
        except InvalidTag:
            raise SetupError(
                f"The wrapped key of {about} was changed in the warehouse.",
                hint="Restore the table sluice.data_keys from a backup.",
            ) from None


@dataclass(frozen=True, slots=True)
class Keks:
    """All that there are, the current one first."""

    keks: tuple[Kek, ...]

    @property
    def current(self) -> Kek:
        """The one to wrap with."""
        return self.keks[0]

    def of(self, kek_id: str) -> Kek:
        """The one of that id. Raises SetupError."""
        for kek in self.keks:
            if kek.id == kek_id:
                return kek
        had = ", ".join(kek.id for kek in self.keks)
        raise SetupError(
            f"The data keys are wrapped by the key-encryption key {kek_id}; there is only {had}.",
            hint=f"Give that key too, after the current one: {_WAYS}.",
        )


def keks_of(settings: Settings) -> Keks:
    """Those that the settings name; where they name none, one that is made under SLUICE_HOME.

    Raises SetupError where there is none, or one is malformed; RetryError if Vault is out of reach.
    """
    found = list(_found(settings))
    if not found and settings.database_url is not None:
        raise SetupError(
            "A contract wants its columns encrypted, and there is no key to do it with.",
            hint=f"Make one (openssl rand -base64 32) and give it by {_WAYS}.",
        )
    return parsed(found or [(str(settings.root / "keys" / "encryption"), _made(settings))])


def parsed(given: Iterable[tuple[str, str]]) -> Keks:
    """Keys in base64 by the place that each text, of one or several, comes from. Raises SetupError."""
    keks: dict[str, Kek] = {}
    for place, text in given:
        for word in re.split(r"[\s,]+", text.strip()):
            kek = Kek(_decoded(word, place))
            keks.setdefault(kek.id, kek)
    return Keks(tuple(keks.values()))


def _found(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.encryption_key:
        yield "SLUICE_ENCRYPTION_KEY", settings.encryption_key.get_secret_value()
    if settings.encryption_key_file:
        yield "SLUICE_ENCRYPTION_KEY_FILE", _read(settings.encryption_key_file)
    if settings.vault_url:
        yield f"Vault's {settings.vault_path}", _of_vault(settings)


def _decoded(word: str, place: str) -> bytes:
    try:
        key = base64.b64decode(word, altchars=b"-_" if set(word) & set("-_") else None, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != SIZE:
        raise SetupError(
            f"{place} holds something that is no key of {SIZE} bytes in base64.",
            hint="Make one: openssl rand -base64 32",
        )
    return key


def _read(path: Path) -> str:
    try:
        return path.expanduser().read_text("ascii")
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SetupError(
            f"The key file {path} can't be read: {why}.", hint="Check SLUICE_ENCRYPTION_KEY_FILE.", file=path
        ) from None


def _of_vault(settings: Settings) -> str:
    """The field ``key`` of the secret (KV version 2)."""
    # Slow to import, and few use it.
    import hvac
    import requests

    mount, _, path = settings.vault_path.partition("/")
    token = settings.vault_token.get_secret_value() if settings.vault_token else None
    where = f"Vault at {settings.vault_url}"
    try:
        client = hvac.Client(url=settings.vault_url, token=token, timeout=10)
        answer: Any = client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=mount, raise_on_deleted_version=True
        )
        return str(answer["data"]["data"]["key"])
    except requests.RequestException:
        raise RetryError(
            f"{where} can't be reached.", hint="Check SLUICE_VAULT_URL; then try again."
        ) from None
    except hvac.exceptions.VaultDown:
        raise RetryError(f"{where} is sealed or down.", hint="Unseal it; then try again.") from None
    except hvac.exceptions.VaultError as error:
        kind = type(error).__name__
        raise SetupError(
            f"{where} does not give {settings.vault_path} ({kind}).",
            hint="Check SLUICE_VAULT_PATH (mount/path) and that SLUICE_VAULT_TOKEN may read it.",
        ) from None
    except (KeyError, TypeError):
        raise SetupError(
            f"{where}: {settings.vault_path} has no field 'key'.",
            hint="Write it: vault kv put MOUNT/PATH key=$(openssl rand -base64 32)",
        ) from None


def _made(settings: Settings) -> str:
    """The text of this machine's own key file, which is made where it lacks."""
    path = settings.root / "keys" / "encryption"
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    partial.touch(mode=0o600)
    partial.write_text(base64.b64encode(secrets.token_bytes(SIZE)).decode() + "\n")
    try:
        path.hardlink_to(partial)  # unless another process was quicker
    except FileExistsError:
        pass
    finally:
        partial.unlink()
    return path.read_text("ascii")
