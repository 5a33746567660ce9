"""Which master key protects personal data: the environment variable TIDEMARK_MASTER_KEY_ID.

https://<vault>.vault.azure.net/keys/subjects   an RSA key of Azure Key Vault, which never leaves it (vault.py)
/path/to/master.key                             a file, for one machine (file_key.py)
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from eventstore.personal.file_key import FileKey
from eventstore.personal.vault import VaultKey
from eventstore.personal.wrapper import KeyWrapper


class PersonalSettings(BaseSettings):
    """See the module."""

    model_config = SettingsConfigDict(env_prefix="TIDEMARK_", extra="ignore", frozen=True)

    master_key_id: Annotated[
        str | None, Field(description="wraps the keys of personal data: address of a Key Vault key, or path of a file")
    ] = None

    def master_key(self) -> KeyWrapper | None:
        """The master key, None if none is set.

        Raises:
            MasterKeyUnusable: the file is not there, cannot be read, or holds no key.
        """
        if not self.master_key_id:
            return None
        if self.master_key_id.startswith("https://"):
            return VaultKey(self.master_key_id)
        return FileKey.read(Path(self.master_key_id))
