"""Fields of the ledger's paths."""

from typing import Annotated

from fastapi import Path

from functions.http.fields import Identifier

AccountId = Annotated[Identifier, Path(description="as given when the account was opened", examples=["alice"])]
