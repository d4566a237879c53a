#!/usr/bin/env bash
# Are all tracked and new C++ files formatted as .clang-format says, and the crate as rustfmt does?
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' '*.c' |
  while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
  xargs -0 -r clang-format-19 --dry-run -Werror
if type -P cargo >/dev/null && cargo fmt --version >/dev/null 2>&1; then
  cargo fmt --check --manifest-path rust/Cargo.toml
fi
