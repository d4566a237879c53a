# Run once in a template, at the moment when CPython is about to open its program; then runs are forked. Leaves nothing behind
# that a program could see, but for an os.register_at_fork handler that has done its work by then.
import sys

before = set(sys.modules)
import atexit  # noqa: E402
import gc  # noqa: E402
import io  # noqa: E402
import os  # noqa: E402
import types  # noqa: E402
import _weakref  # noqa: E402


def exercise():
    """What nearly every program does for the first time: it is done, and its memory made, before the fork."""
    out, sys.stdout = sys.stdout, io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    try:
        code = "import sys\nclass A:\n def f(self, x=1, *a, **k):\n  return [i * x for i in range(3)]\n"
        code += "print('hi', A().f(), {1: 2}, f'{3:>4}')\ntry:\n 1 / 0\nexcept ZeroDivisionError as e: pass\n"
        exec(compile(code, "<warm>", "exec", dont_inherit=True), {"__name__": "warm"})
        sys.stdout.flush()
    finally:
        sys.stdout = out


def refuse(module, why):
    os.write(2, f"preload {module}: {why}\n".encode("utf-8", "backslashreplace"))
    os._exit(1)


def preload(modules):
    """What runs shall find imported. Threads would be missing in them."""
    for module in modules:
        threads = len(os.listdir("/proc/self/task"))
        try:
            __import__(module)
        except BaseException as error:
            refuse(module, f"{type(error).__name__}: {error}")
        if len(os.listdir("/proc/self/task")) > threads:
            refuse(module, "it starts threads, which a fork can't take along")


def arrive():
    """In a run's program, before its file is read: the arguments are its own."""
    global pending
    if not pending:
        return  # a fork of the program's own
    pending = False
    with open("/.sandpit/go", "rb") as file:
        words = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    sys.argv[:] = words
    sys.orig_argv[:] = sys.orig_argv[:-1] + words
    if "numpy.random" in sys.modules:  # the standard library's own random sees to itself
        sys.modules["numpy.random"].seed()


class Last:
    """The last thing that the program's end lets go: then the interpreter's own memory is all there is to be taken apart, and
    that is left to the kernel. Below Py_FinalizeEx() opening this path does not come back (library_exit.cc)."""

    __slots__ = ()

    def __del__(self, open=os.open):
        try:
            open("/.sandpit/leave", 0)
        except:  # noqa: E722 -- the names of exceptions are gone by now
            pass


# Objects of these types have no end that a program could see: no __del__, no callback, nothing to flush. What they hold is looked
# at by itself, or is of a type that the collector does not know, which has none either.
PLAIN = frozenset([
    dict, list, tuple, set, frozenset, property, staticmethod, classmethod, types.FunctionType, types.BuiltinFunctionType,
    types.MethodType, types.CellType, types.ModuleType, types.MappingProxyType, types.GetSetDescriptorType,
    types.MemberDescriptorType, types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
    types.MethodWrapperType, type(sys.__spec__), *(kind for name, kind in vars(sys.modules["_frozen_importlib_external"]).items()
                                                   if name in ("FileFinder", "SourceFileLoader", "ExtensionFileLoader"))])


def has_no_end(objects, plain=PLAIN, type=type, reference=_weakref.ReferenceType, hasattr=hasattr):
    for item in objects:
        kind = type(item)
        if kind in plain:
            continue
        if kind is reference:
            if item.__callback__ is not None:
                return False
        elif kind is not type or hasattr(item, "__del__"):
            return False
    return True


def flush(system):
    for stream in (system.stdout, system.stderr):
        if stream is not None and not stream.closed:
            stream.flush()


def leave(kept, system, objects=gc.get_objects, heard=gc.callbacks, debug=gc.get_debug, most=5000, open=os.open):
    """The last of the exit handlers. Modules that the template had loaded are shared memory: to take them apart, as the end of
    an interpreter does, would copy it. What the program itself made and imported, or put into them, goes as always; where none
    of that could be seen to go, nothing does."""
    # Streams that the program has put there, or that fail, have a say in the exit status: the long way then.
    usual = system.stdout is system.__stdout__ and system.stderr is system.__stderr__ and not system.flags.verbose
    alive = objects() if usual else ()  # but for what was frozen
    if usual and not heard and not debug() and len(alive) < most and has_no_end(alive):
        try:
            flush(system)
            open("/.sandpit/leave", 0)
        except:  # noqa: E722
            pass
    loaded = system.modules
    for name, module, names, size in kept:
        if loaded.get(name) is module and len(names) == size:
            del loaded[name]
    if not usual:
        return
    try:
        flush(system)
    except:  # noqa: E722
        return
    system.__dict__["\0"] = Last()  # cleared after everything else


def ends_well():
    """Tries the short end with a child of the template's own."""
    child = os.fork()
    if child == 0:
        sys.exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


pending = True
exercise()
for name in set(sys.modules) - before:
    del sys.modules[name]  # the program imports them itself
# The variable itself goes in each run (library.cc): unset here, its text would stay for /proc/self/environ.
preload(filter(None, os.fsdecode(os.environ._data.pop(b"SANDPIT_PRELOAD", b"")).split(",")))
os.register_at_fork(after_in_child=arrive)
kept = [(name, module, module.__dict__, len(module.__dict__)) for name, module in sys.modules.items()
        if name not in ("__main__", "sys", "builtins")]
leaked = [kept]
leaked.append(leaked)  # what is frozen and a cycle is never taken apart
atexit.register(leave, kept, sys)
gc.collect()
gc.freeze()
if not ends_well():
    atexit.unregister(leave)
# What is frozen is never collected: the program's module, and with it what only the program holds, has to be a new one.
old = sys.modules["__main__"]
new = type(sys)("__main__")
new.__dict__.update(old.__dict__)
sys.modules["__main__"] = new
del old, new
