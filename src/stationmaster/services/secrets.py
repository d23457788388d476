"""Secrets of stations and programs: made here, kept only as keyed hashes (handbook §4.5, §4.11).

The rule that shapes this file: a station's password is random, so a keyed BLAKE2b is enough and
costs a handshake nothing; the key (the pepper) lives outside the database, and the station's
identity is part of what is hashed, so equal passwords do not look equal.
"""

import base64
import hmac
import secrets
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from stationmaster.domain.passwords import PASSWORD_BYTES, readings_of
from stationmaster.domain.totp import SECRET_BYTES

__all__ = ["SecretKeeper"]

_SHORTEST_PEPPER: Final = 16
_LONGEST_PEPPER: Final = 64
_NONCE_BYTES: Final = 12
_CLEAR_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
API_KEY_PREFIX: Final = "sm_"


class SecretKeeper:
    """Makes, hashes and checks secrets. `pepper` is 16 to 64 random bytes; ValueError otherwise."""

    __slots__ = ("_pepper",)

    def __init__(self, pepper: bytes) -> None:
        if not _SHORTEST_PEPPER <= len(pepper) <= _LONGEST_PEPPER:
            raise ValueError(f"a pepper has {_SHORTEST_PEPPER} to {_LONGEST_PEPPER} bytes, not {len(pepper)}")
        self._pepper = pepper

    def new_password(self) -> bytes:
        """A random password for a station: 20 bytes, the most that the whitepaper allows."""
        return secrets.token_bytes(PASSWORD_BYTES)

    def password_hash(self, station_id: str, raw: bytes) -> bytes:
        """What is stored of the password of a station."""
        return self._hash(b"station password", station_id.encode("utf-8", "surrogatepass") + b"\0" + raw)

    def password_matches(self, station_id: str, presented: bytes, stored: bytes | None) -> bool:
        """Whether the bytes in a station's Authorization header are its password, in either writing (§8 A-2)."""
        if stored is None:
            return False
        matches = [
            hmac.compare_digest(self.password_hash(station_id, reading), stored) for reading in readings_of(presented)
        ]
        return any(matches)

    def new_api_key(self) -> str:
        """A new API key: shown once, then only its hash is known."""
        return API_KEY_PREFIX + secrets.token_urlsafe(32)

    def api_key_hash(self, key: str) -> bytes:
        """What is stored of an API key, and what it is found by."""
        return self._hash(b"api key", key.encode("utf-8", "surrogatepass"))

    def new_session(self) -> str:
        """The secret of a person's session, as it stands in their cookie."""
        return secrets.token_urlsafe(32)

    def session_hash(self, session: str) -> bytes:
        """What is stored of a session, and what it is found by."""
        return self._hash(b"session", session.encode("utf-8", "surrogatepass"))

    def csrf_token(self, session: str) -> str:
        """What a page must send with every change in this session; it tells nothing of the session itself."""
        return self._hash(b"csrf token", session.encode("utf-8", "surrogatepass")).hex()

    def peppered(self, password: str) -> bytes:
        """A user's password under the pepper, as it is hashed slowly: a stolen database alone cannot be guessed at."""
        return self._hash(b"user password", password.encode("utf-8", "surrogatepass"))

    def new_user_password(self) -> str:
        """A first password for a person: 100 bits in letters that are not taken for one another."""
        letters = [secrets.choice(_CLEAR_LETTERS) for _ in range(20)]
        return "-".join("".join(letters[start : start + 5]) for start in range(0, 20, 5))

    def new_totp_secret(self) -> bytes:
        """A secret for an authenticator app."""
        return secrets.token_bytes(SECRET_BYTES)

    def new_recovery_code(self) -> str:
        """A code for whoever has lost their app: 80 bits in four groups that can be read aloud."""
        text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
        return "-".join(text[start : start + 4] for start in range(0, len(text), 4))

    def recovery_code_hash(self, user_id: str, code: str) -> bytes:
        """What is stored of a recovery code."""
        bare = "".join(character for character in code.lower() if character.isalnum())
        return self._hash(b"recovery code", f"{user_id}\0{bare}".encode("utf-8", "surrogatepass"))

    def oidc_state_hash(self, state: str) -> bytes:
        """What is stored of the state of an OpenID login that was used."""
        return self._hash(b"oidc state", state.encode("utf-8", "surrogatepass"))

    def configuration_value_hash(self, key: str, value: str) -> str:
        """What is stored of the value that a key was last given: enough to see whether it is the same."""
        return self._hash(b"configuration", f"{key.strip().lower()}\0{value}".encode("utf-8", "surrogatepass")).hex()

    def seal(self, purpose: str, data: bytes) -> bytes:
        """Encrypt what must be read again, such as a TOTP secret; only `unseal` with the same purpose opens it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(purpose).encrypt(nonce, data, purpose.encode())

    def unseal(self, purpose: str, sealed: bytes) -> bytes:
        """What was sealed; ValueError when it was not, or was changed, or under another pepper."""
        nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher(purpose).decrypt(nonce, encrypted, purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise ValueError("it was not sealed here") from error

    def _cipher(self, purpose: str) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(self._hash(b"seal", purpose.encode()))

    def new_file_secret(self) -> str:
        """The secret of a pass to fetch or bring one file: it stands in an address and needs no escaping there.

        Some stations have little room for an address, and 24 random bytes are beyond any guessing.
        """
        return secrets.token_urlsafe(24)

    def file_secret_hash(self, secret: str) -> bytes:
        """What is stored of the secret of a pass, and what it is found by."""
        return self._hash(b"file pass", secret.encode("utf-8", "surrogatepass"))

    def _hash(self, purpose: bytes, data: bytes) -> bytes:
        return blake2b(data, key=self._pepper, person=purpose, digest_size=32).digest()
