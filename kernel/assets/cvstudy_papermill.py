"""Parameters in Rust for papermill.

papermill writes parameters into a cell of their own, after the cell tagged `parameters`, and has to know how to
write a value in the notebook's language. It knows no Rust; this module tells it. papermill finds the module by its
entry point in the group `papermill.engine`, the one group that is read before any notebook is: the engine of that
name is papermill's own, and what matters is that the import registers the translator.
"""

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.exceptions import PapermillException
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

__all__ = ["Engine", "RustTranslator"]

Engine = NBClientEngine

# What has to be written r#name, and what cannot be a name at all.
KEYWORDS = set(
    "as async await break const continue dyn else enum extern false fn for gen if impl in let loop match mod move mut "
    "pub ref return static struct trait true try type unsafe use where while abstract become box do final macro "
    "override priv typeof unsized virtual yield".split()
)
RESERVED = {"self", "Self", "super", "crate", "_"}

# `let name: Type = value; // help`
LET = re.compile(r"^\s*let\s+(?:mut\s+)?(?:r#)?(?P<name>\w+)\s*(?::\s*(?P<type>[^=]+?))?\s*=\s*(?P<value>.*?)\s*;"
                 r"\s*(?://+\s*(?P<help>.*?))?\s*$")


class RustTranslator(Translator):
    """Values of JSON and YAML as Rust: numbers, texts, booleans, `vec![..]`, and `BTreeMap::from(..)`."""

    @classmethod
    def comment(cls, text):
        return f"// {text}"

    @classmethod
    def assign(cls, name, value):
        if not name.isidentifier() or name in RESERVED:
            raise PapermillException(f"`{name}` cannot be the name of a variable in Rust")
        return f"let {'r#' if name in KEYWORDS else ''}{name} = {value};"

    @classmethod
    def translate_none(cls, value):
        raise PapermillException("a parameter without a value has no type in Rust: leave it out, or give it one")

    @classmethod
    def translate_escaped_str(cls, value):
        # JSON escapes what Rust does, but for characters that are written in hexadecimal digits.
        text = json.dumps(str(value), ensure_ascii=False)
        return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", cls.escape, text)

    @staticmethod
    def escape(found):
        digits, letter = found.groups()
        if digits or letter in "bf":
            return f"\\u{{{digits or {'b': '8', 'f': 'c'}[letter]}}}"
        return found.group()

    @classmethod
    def translate_int(cls, value):
        # A number without a suffix is an i32, unless the cells that use it say otherwise.
        for bits in (32, 64, 128):
            if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
                return f"{value}" if bits == 32 else f"{value}_i{bits}"
        raise PapermillException(f"{value} is larger than any integer of Rust")

    @classmethod
    def translate_float(cls, value):
        if math.isnan(value):
            return "f64::NAN"
        if math.isinf(value):
            return "f64::INFINITY" if value > 0 else "f64::NEG_INFINITY"
        return repr(value)

    @classmethod
    def translate_list(cls, values):
        if not values:
            raise PapermillException("an empty list has no type in Rust: leave it out, or give it an element")
        return f"vec![{', '.join(map(cls.translate, alike(values)))}]"

    @classmethod
    def translate_dict(cls, values):
        if not values:
            raise PapermillException("an empty map has no type in Rust: leave it out, or give it an entry")
        names = map(cls.translate_str, values)
        pairs = zip(names, map(cls.translate, alike(list(values.values()))))
        return f"std::collections::BTreeMap::from([{', '.join(f'({name}, {value})' for name, value in pairs)}])"

    @classmethod
    def inspect(cls, cell):
        """The parameters that a cell declares, for `papermill --help-notebook`."""
        found = map(LET.match, cell.source.splitlines())
        return [
            Parameter(name=one["name"], inferred_type_name=one["type"] or "None", default=one["value"], help=one["help"] or "")
            for one in found if one
        ]


def alike(values):
    """Values of one list have one type in Rust: among fractions, whole numbers are fractions too."""
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return list(map(float, values)) if numbers and any(isinstance(value, float) for value in values) else values


papermill_translators.register("rust", RustTranslator)
