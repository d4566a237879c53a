// Warm WebAssembly: workers that keep an engine and linked modules, and take one run after another
// over a socket of their own, without the launcher in between. A worker serves the runs of one
// trust domain and one shape (everything of a Plan that its jail is made of); each run gets a fresh
// store and a fresh WASI context. A worker is replaced when it dies, when a run overstays its time,
// and after a number of runs. Safe from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "sandpit/config.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/sandbox.h"
#include "service/launcher_client.h"

namespace sandpit {

class WasmPool {
 public:
  WasmPool(std::shared_ptr<LauncherClient> launcher, const Config& config,
           const RuntimeRegistry& registry, const WarmOptions& options);
  WasmPool(const WasmPool&) = delete;
  WasmPool& operator=(const WasmPool&) = delete;
  ~WasmPool();

  // The Outcome of a request that a warm worker can serve; nothing when it has to be run cold
  // (another runtime, streaming input, grants or a network of its own, files to be copied out).
  [[nodiscard]] std::optional<Result<Outcome>> try_run(const Request& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sandpit
