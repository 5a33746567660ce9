"""Text about people: encrypted before it is stored, under one data key per person, and erased by destroying that key.

    personal = PersonalData(SubjectKeys(database, PersonalSettings().master_key()))
    token = personal.seal("alice", "Alice Liddell", context="open-1")     what is stored, hashed, sent and exported
    personal.text(token)                                                  "Alice Liddell", or "[erased]"

docs/decisions/005-erasure-by-key.md says why.
"""

from eventstore.personal.data import ERASED, UNREADABLE, PersonalData
from eventstore.personal.fields import ReadableFields, SealedFields
from eventstore.personal.file_key import FileKey, MemoryKey
from eventstore.personal.settings import PersonalSettings
from eventstore.personal.subject_keys import SubjectKeys
from eventstore.personal.token import Token
from eventstore.personal.vault import VaultKey
from eventstore.personal.wrapper import KeyWrapper, Wrapped

__all__ = [
    "ERASED",
    "UNREADABLE",
    "FileKey",
    "KeyWrapper",
    "MemoryKey",
    "PersonalData",
    "PersonalSettings",
    "ReadableFields",
    "SealedFields",
    "SubjectKeys",
    "Token",
    "VaultKey",
    "Wrapped",
]
