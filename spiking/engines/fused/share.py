"""Common parts of expressions are computed once.

Brian2's integrators write a rate out wherever it enters, several times per stage. What calls a function, and
what is raised to a power, gets a name of its own here, so that kernels stay short and compile fast.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from spiking.engines.fused.fold import draws, names
from spiking.engines.fused.names import Assignment

__all__ = ["share"]


def share(body: Sequence[Assignment], prefix: str) -> tuple[Assignment, ...]:
    """The statements with common parts as temporaries, called after `prefix`."""
    sharer = _Sharer(prefix)
    for a in body:
        value = sharer.visit(a.value)
        sharer.out.append(Assignment(target=a.target, value=value, guard=a.guard))
        sharer.forget(a.target)
    return tuple(sharer.out)


class _Sharer(ast.NodeTransformer):
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.out: list[Assignment] = []
        self.parts: dict[str, str] = {}  # text -> temporary
        self.reads: dict[str, set[str]] = {}  # temporary -> the variables it was made from
        self.n_parts = 0

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if draws(node):
            return node
        inner = [self.visit(a) for a in node.args]
        return self._part(ast.Call(func=node.func, args=inner, keywords=[]))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if draws(node):
            left, right = self.visit(node.left), self.visit(node.right)
            return ast.BinOp(left=left, op=node.op, right=right)
        left, right = self.visit(node.left), self.visit(node.right)
        if isinstance(node.op, ast.Pow) and not isinstance(left, (ast.Name, ast.Constant)):
            left = self._part(left)
        return ast.BinOp(left=left, op=node.op, right=right)

    def _part(self, node: ast.expr) -> ast.expr:
        """The temporary that holds the value of `node`."""
        text = ast.unparse(node)
        if text not in self.parts:
            self.parts[text] = f"_{self.prefix}_part{self.n_parts}"
            self.n_parts += 1
            used = names(node)
            self.reads[self.parts[text]] = used.union(*(self.reads.get(name, set()) for name in used))
            self.out.append(Assignment(target=self.parts[text], value=node))
        return ast.Name(id=self.parts[text], ctx=ast.Load())

    def forget(self, target: str) -> None:
        """A variable has changed: what was made from it no longer holds."""
        self.parts = {text: name for text, name in self.parts.items() if target not in self.reads[name]}
