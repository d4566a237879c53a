// WebAssembly: modules, text and components, on Wasmtime in a jailed worker (engine/wasm/). A class
// and not a manifest, since the worker is ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sandpit/runtime.h"

namespace sandpit {

inline constexpr std::string_view kWasmRuntimeName = "wasm";
inline constexpr std::string_view kWasmEngineName = "wasm";
// As locked in rust/Cargo.lock.
inline constexpr std::string_view kWasmtimeVersion = "48.0.8";

class WasmRuntime final : public Runtime {
 public:
  // `worker`: the path of wasm-worker; empty when it was not built.
  explicit WasmRuntime(std::string worker) : worker_(std::move(worker)) {}

  [[nodiscard]] std::string_view name() const override { return kWasmRuntimeName; }
  [[nodiscard]] std::vector<std::string> extensions() const override { return {"wasm", "wat"}; }
  [[nodiscard]] bool recognises(std::string_view head) const override;
  [[nodiscard]] RuntimeInfo info(const RuntimeSettings& settings, Probe probe) const override;
  // None: the worker screens the module before it runs.
  [[nodiscard]] LintReport lint(std::string_view /*source*/) const override { return {}; }
  [[nodiscard]] Result<Steps> plan(const Request& request, const SourceInfo& source,
                                   const Settings& settings) const override;

 private:
  std::string worker_;
};

}  // namespace sandpit
