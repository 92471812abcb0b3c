"""The block that holds the keys of encrypted columns."""

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr

from sluice.security.keys import Keks, parsed


class EncryptionKey(Block):
    """Keys that wrap the data keys of encrypted columns, for a warehouse that names this block.

    Put a new key before the old one, run `sluice keys rotate`, and then take the old one out.

    Example:
        ```python
        from blocks import EncryptionKey, PostgresWarehouse

        EncryptionKey(key="bWFrZSBvbmU6IG9wZW5zc2wgcmFuZCAtYmFzZTY0IDM=").save("hospital")
        key = EncryptionKey.load("hospital")
        PostgresWarehouse(host="db.example.org", encryption=key).save("hospital")
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # which would repeat a refused value

    _block_type_name = "Encryption Key"
    _block_type_slug = "encryption-key"

    key: SecretStr = Field(
        description="Keys of 32 bytes in base64 (openssl rand -base64 32), separated by spaces, the current first."
    )

    def get_keys(self) -> Keks:
        """The keys. Raises SetupError where one is malformed."""
        return parsed([("The block's key", self.key.get_secret_value())])
