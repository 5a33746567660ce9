"""A position in the tokens of a query, with the questions a parser asks there."""

from __future__ import annotations

from localazure.cosmos.sql.constructs import absent
from localazure.cosmos.sql.errors import SqlError
from localazure.cosmos.sql.tokens import RESERVED, Token, tokenize


class Cursor:
    """Walks the tokens of one query text."""

    __slots__ = ("_index", "_tokens", "text", "token")

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokenize(text)
        self._index = 0
        self.token = self._tokens[0]

    def peek(self) -> Token:
        """The token after the current one, which is not the end."""
        return self._tokens[self._index + 1]

    def advance(self) -> Token:
        """Step over the current token, which is not the end, and return it."""
        token = self.token
        self._index += 1
        self.token = self._tokens[self._index]
        return token

    def at(self, *texts: str) -> bool:
        """Whether the current token is one of these keywords (upper case) or symbols."""
        return self.token.text in texts and self.token.kind in ("word", "symbol")

    def accept(self, *texts: str) -> Token | None:
        """Step over the current token if it is one of these."""
        return self.advance() if self.at(*texts) else None

    def expect(self, text: str, context: str) -> Token:
        """Step over this keyword or symbol, or refuse the query."""
        if not self.at(text):
            raise self.unexpected(f"expected '{text}' {context}")
        return self.advance()

    def identifier(self, context: str) -> Token:
        """Step over a word that is not reserved, or refuse the query."""
        token = self.token
        if token.kind != "word":
            raise self.unexpected(f"expected a name {context}")
        if token.text in RESERVED:
            raise self.error(
                f"Syntax error near '{token.value}': it is a reserved word; a property of this name is written "
                f'["{token.value}"]'
            )
        return self.advance()

    def absent(self) -> str | None:
        """The refusal of the construct of another dialect that begins here, if one does."""
        return absent(self._tokens, self._index)

    def unexpected(self, expectation: str) -> SqlError:
        """A syntax error at the current token, or the name of the unsupported construct that begins there."""
        if refusal := self.absent():
            return self.error(refusal)
        token = self.token
        near = "the end of the query" if token.kind == "end" else f"'{self.text[token.position :].split()[0][:30]}'"
        return self.error(f"Syntax error near {near}: {expectation}")

    def error(self, message: str, position: int | None = None) -> SqlError:
        """An error at a position, by default the current token's."""
        return SqlError(message, text=self.text, position=self.token.position if position is None else position)
