//! tree-sitter and its grammars for Sandpit's lint worker. `include/sandpit_lint.h` is the
//! interface; `src/lint/worker_main.cc` is its only caller.

mod ffi;
mod language;
mod screen;
