"""A Merkle tree over the heads of all streams: one hash for all of them, and a short proof for each.

The tree is that of RFC 6962, section 2.1 (Certificate Transparency): SHA-256, a leaf is H(0x00 + data), a node is
H(0x01 + left + right), and of n leaves the left subtree takes the largest power of two below n. The root of no leaves
is the hash of nothing. Nothing here knows what the leaves say.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Root:
    """The root of leaves that come one by one; memory grows with the tree's height only."""

    def __init__(self) -> None:
        self.leaves = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf's hash."""
        self.leaves += 1
        size, node = 1, leaf
        while self._peaks and self._peaks[-1][0] == size:
            node = node_hash(self._peaks.pop()[1], node)
            size *= 2
        self._peaks.append((size, node))

    def value(self) -> str:
        """The root of what has come so far, in hexadecimal."""
        if not self._peaks:
            return sha256().hexdigest()
        *rest, (_, node) = self._peaks
        for _, left in reversed(rest):
            node = node_hash(left, node)
        return node.hex()


def root_of(leaves: Iterable[bytes]) -> str:
    """The root over these leaf hashes, in hexadecimal."""
    root = Root()
    for leaf in leaves:
        root.add(leaf)
    return root.value()


class Tree:
    """All levels of a tree, for many proofs."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels: list[list[bytes]] = [list(leaves)]
        while len(level := self._levels[-1]) > 1:
            above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            self._levels.append(above + level[len(above) * 2 :])

    def proof(self, index: int) -> list[str]:
        """The hashes beside the way from leaf `index` up to the root, in hexadecimal, the lowest first."""
        path = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):
                path.append(level[sibling].hex())
            index //= 2
        return path


def root_by_proof(leaf: bytes, index: int, leaves: int, proof: Sequence[str]) -> str | None:
    """The root that the proof leads to; None when it has not the length that such a proof has."""
    node, rest = leaf, iter(proof)
    last = leaves - 1
    while last > 0:
        if index ^ 1 <= last:
            beside = next(rest, None)
            if beside is None:
                return None
            other = bytes.fromhex(beside)
            node = node_hash(other, node) if index % 2 else node_hash(node, other)
        index //= 2
        last //= 2
    return None if next(rest, None) is not None else node.hex()
