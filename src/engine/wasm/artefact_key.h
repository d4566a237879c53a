// The name of a compiled module in the cache.
#pragma once

#include <string>

#include "plan/wasm_plan.h"

namespace sandpit::wasm {

// What an artefact depends on: the module's bytes, the settings that reach the compiler, Wasmtime's
// version and this processor's features. 64 hexadecimal digits.
[[nodiscard]] std::string artefact_key(const WasmPlan& plan);

}  // namespace sandpit::wasm
