"""Put off the import of a library until something of it is used."""

import sys
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _UnloadedModule(ModuleType):
    """Stands for a module that is imported when the first of its names is asked for."""

    def __getattr__(self, name: str) -> Any:
        # importlib's LazyLoader loads at the first `import`, for that reads the module's __spec__.
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def import_when_used(name: str) -> None:
    """Let `import name` succeed at once, wherever it stands, and load the library at the first use of it."""
    if name not in sys.modules:
        module = _UnloadedModule(name)
        module.__spec__ = find_spec(name)
        sys.modules[name] = module
