"""Delay the import of a library until something in it is used."""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _UnloadedModule(ModuleType):
    """A placeholder for a module, which is imported when one of its names is first used."""

    def __getattr__(self, name: str) -> Any:
        # importlib's LazyLoader is no use here: `import` reads the module's __spec__, and that makes it load at once.
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def import_when_used(name: str) -> None:
    """Make every `import name` succeed at once, and load the library when it is first used."""
    if name not in sys.modules:
        module = _UnloadedModule(name)
        module.__spec__ = find_spec(name)
        sys.modules[name] = module
