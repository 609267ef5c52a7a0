#!/usr/bin/env python3
"""Fails when modules of a crate depend on each other in a circle, or two public types share a name.

A module is a file; a folder's `mod.rs` and the file `x.rs` next to a folder `x/` are the folder's own file. `use` declarations
and paths that start with `crate::`, `self::` or `super::` make the edges. A parent that only re-exports what its children
hold is transparent: `crate::storage::Batch` is an edge to the child that defines `Batch`, where the parent says so by
`pub use`. Test modules (`#[cfg(test)]`) and the edge from a parent to its own children do not count.

Circles are looked for between files of one folder, and between the folders of each level: a folder is one module with all
that is in it.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

CRATES = ["actors/src", "src", "simulator/src", "textfile/src", "bench/loadgen/src"]

# Folders whose files may depend on each other, with the reason. Empty at best.
ALLOWED: dict[str, str] = {
    "actors/src/domain/state_vector": "the table generates the struct, and its accessors name the struct",
}

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'"(?:\\.|[^"\\])*"')


def without_tests(text):
    """Drops what follows `#[cfg(test)]`: a declaration, or a module with its braces."""
    out, at = [], 0
    for found in re.finditer(r"#\[cfg\(test\)\]\s*", text):
        if found.start() < at:
            continue
        out.append(text[at : found.start()])
        rest = found.end()
        brace, semicolon = text.find("{", rest), text.find(";", rest)
        if brace == -1 or -1 < semicolon < brace:
            at = semicolon + 1
            continue
        depth, at = 0, brace
        while at < len(text):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
            if depth == 0:
                break
    return "".join(out) + text[at:]


def expand(tree):
    """The paths of a `use` tree: `a::{b, c::d as e}` gives (a::b, b) and (a::c::d, e)."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace == -1:
        path, _, alias = tree.partition(" as ")
        path = path.strip()
        yield path, (alias.strip() or path.split("::")[-1])
        return
    prefix, inner, depth, start = tree[:brace], tree[brace + 1 : tree.rfind("}")], 0, 0
    for i, letter in enumerate(inner + ","):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            part = inner[start:i].strip()
            start = i + 1
            if part:
                for path, name in expand(part):
                    yield (prefix.rstrip(":") if path == "self" else prefix + path), name


class Crate:
    def __init__(self, root):
        self.root = Path(root)
        self.files = {}  # module path (tuple) -> text
        for file in sorted(self.root.rglob("*.rs")):
            parts = list(file.relative_to(self.root).with_suffix("").parts)
            if parts[-1] in ("mod", "lib", "main"):
                parts.pop()
            if "tests" in parts or parts[-1:] == ["test_support"]:
                continue
            text = STRING.sub('""', COMMENT.sub("", file.read_text(encoding="utf-8")))
            self.files[tuple(parts)] = self.files.get(tuple(parts), "") + without_tests(text)
        self.exports = defaultdict(dict)  # module -> name -> absolute path
        for module, text in self.files.items():
            for path, name in self.uses(text, public=True):
                if (found := self.absolute(module, path.split("::"))) is not None:
                    self.exports[module][name] = found

    @staticmethod
    def uses(text, public=False):
        visibility = r"pub(?:\([^)]*\))?\s+" if public else r"(?:pub(?:\([^)]*\))?\s+)?"
        for found in re.finditer(r"(?:^|[\s;{}])" + visibility + r"use\s+([^;]+);", text):
            yield from expand(re.sub(r"\s+", " ", found[1]))

    def absolute(self, module, path):
        """The path from the crate's root, or nothing for another crate's."""
        module, path = list(module), list(path)
        if path[0] == "crate":
            return tuple(path[1:])
        if path[0] == "self":
            return tuple(module + path[1:])
        if path[0] == "super":
            while path and path[0] == "super":
                if not module:
                    return None
                module.pop()
                path.pop(0)
            return tuple(module + path)
        return tuple(module + path) if tuple(module + path[:1]) in self.files else None

    def owner(self, path, depth=0):
        """The module that defines what a path names, seen through re-exports."""
        at = ()
        for i, name in enumerate(path):
            if at + (name,) in self.files:
                at += (name,)
                continue
            target = self.exports[at].get(name)
            if target is not None and depth < 8 and target != path:
                return self.owner(target + path[i + 1 :], depth + 1)
            break
        return at

    def edges(self):
        for module, text in self.files.items():
            text = re.sub(r"\bpub\([^)]*\)", "pub", text)
            paths = {tuple(path.split("::")) for path, _ in self.uses(text)}
            paths |= {tuple(p.split("::")) for p in re.findall(r"\b(?:crate|super|self)(?:::\w+)+", text)}
            for path in paths:
                path = self.absolute(module, [p for p in path if p != "*"])
                if path is None:
                    continue
                owner = self.owner(path)
                if owner != module:
                    yield module, owner

    def circles(self):
        """Strongly connected groups among the children of each folder, the folder's own file being one of them."""
        graphs, why = defaultdict(lambda: defaultdict(set)), {}
        for source, target in self.edges():
            common = 0
            while common < min(len(source), len(target)) and source[common] == target[common]:
                common += 1
            folder = source[:common]
            # A parent may name its children, and they may use nothing of it but what it defines itself.
            if len(source) == common:
                continue
            a = source[common]
            b = target[common] if len(target) > common else "mod"
            if b == "mod" and len(folder) == 0:
                b = "lib"
            graphs[folder][a].add(b)
            why.setdefault((folder, a, b), f"{'/'.join(source)} uses {'/'.join(target) or 'lib'}")
        # A folder's own file uses its children wherever it does so beyond declaring them.
        for module, text in self.files.items():
            for path in {tuple(p.split("::")) for p in re.findall(r"\b\w+(?:::\w+)+", text)} | {
                tuple(path.split("::")) for path, _ in self.uses(text)
            }:
                if module + path[:1] in self.files and not self.only_reexports(module, path[0]):
                    graphs[module]["lib" if not module else "mod"].add(path[0])
        for folder, graph in graphs.items():
            for group in strongly_connected(graph):
                yield folder, sorted(group), why

    def only_reexports(self, module, child):
        text = self.files[module]
        uses = [p for p, _ in self.uses(text) if p.split("::")[0] == child]
        public = [p for p, _ in self.uses(text, public=True) if p.split("::")[0] == child]
        return len(uses) == len(public) and not re.search(
            rf"(?<!mod )(?<![:\w]){child}::", re.sub(r"pub(?:\([^)]*\))?\s+use[^;]+;", "", text)
        )


def strongly_connected(graph):
    index, low, stack, on, out, counter = {}, {}, [], set(), [], [0]

    def visit(node):
        index[node] = low[node] = counter[0]
        counter[0] += 1
        stack.append(node)
        on.add(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = set()
            while True:
                other = stack.pop()
                on.discard(other)
                group.add(other)
                if other == node:
                    break
            if len(group) > 1:
                out.append(group)

    for node in list(graph):
        if node not in index:
            visit(node)
    return out


# Names of the standard library that a reader must not mistake.
STD = {"Result", "Option", "Vec", "String", "Box", "Rc", "Arc", "Cell", "Ordering", "Duration", "Instant", "Path", "File"}


def shared_names(crates):
    """Each name of several public types, or of one that shadows std, with the modules that define it."""
    places = defaultdict(list)
    for root, crate in crates:
        for module, text in crate.files.items():
            for name in re.findall(r"(?:^|\s)pub\s+(?:struct|enum|union|trait|type)\s+(\w+)", text):
                places[name].append("/".join((root, *module)))
    return {name: where for name, where in sorted(places.items()) if len(where) > 1 or name in STD}


def main():
    sys.setrecursionlimit(10_000)
    found = 0
    crates = [(root, Crate(root)) for root in CRATES]
    # The load generator is a program of its own, which names what it measures.
    if shared := shared_names([(root, crate) for root, crate in crates if not root.startswith("bench/")]):
        for name, where in shared.items():
            print(f"architecture: the name {name} of a public type is not unique: {', '.join(where)}", file=sys.stderr)
        sys.exit(1)
    for root, crate in crates:
        for folder, group, why in crate.circles():
            place = "/".join((root, *folder))
            if place in ALLOWED:
                continue
            found += 1
            print(f"architecture: {place}: {', '.join(group)} depend on each other", file=sys.stderr)
            for (where, a, b), reason in sorted(why.items()):
                if where == folder and a in group and b in group:
                    print(f"  {reason}", file=sys.stderr)
    if found:
        print(f"architecture: {found} circles between modules", file=sys.stderr)
        sys.exit(1)
    print("architecture: no module depends on itself through another, and no two public types share a name")


if __name__ == "__main__":
    main()
