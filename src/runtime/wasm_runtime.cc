#include "runtime/wasm_runtime.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/own_path.h"
#include "base/result.h"
#include "sandpit/config.h"
#include "sandpit/error.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"

namespace sandpit {
namespace {

constexpr std::string_view kMagic("\0asm", 4);
constexpr std::string_view kWorkerName = "wasm-worker";
constexpr std::string_view kWorkerInside = "/wasm-worker";
constexpr std::string_view kHowToBuild =
    "install rustc and cargo 1.95 or newer (rustup; Debian 12's are too old), then build again";

// Two threads of the compiler, two of WASI's event loop and its blocking pool, one for deadlines.
constexpr std::uint32_t kHelperTasks = 16;
// The worker's own memory files, its event loop, one descriptor for each preopen.
constexpr std::uint32_t kHelperFiles = 64;

}  // namespace

bool WasmRuntime::recognises(std::string_view head) const { return head.starts_with(kMagic); }

RuntimeInfo WasmRuntime::info(const RuntimeSettings& /*settings*/, Probe /*probe*/) const {
  RuntimeInfo info{.name = std::string(kWasmRuntimeName),
                   .display_name = "WebAssembly (Wasmtime)",
                   .extensions = extensions(),
                   .engine = std::string(kWasmEngineName),
                   .state = worker_.empty() ? RuntimeState::kNotBuilt : RuntimeState::kReady,
                   .version = std::string(kWasmtimeVersion),
                   .interpreter = worker_,
                   .install_hint = {},
                   .compiler = {},
                   .syscall_profile = "wasm-host",
                   .compile_profile = {},
                   .tier = 1,
                   .origin = "built in"};
  if (worker_.empty()) {
    info.version.clear();
    info.install_hint = kHowToBuild;
  }
  return info;
}

Result<Steps> WasmRuntime::plan(const Request& /*request*/, const SourceInfo& /*source*/,
                                const Settings& settings) const {
  if (worker_.empty()) {
    return fail({.code = ErrorCode::kNoRuntime,
                 .message = "the runtime wasm was not built: there is no wasm-worker",
                 .where = {},
                 .hint = std::string(kHowToBuild)});
  }
  Steps steps;
  Step& run = steps.run;
  run.engine = kWasmEngineName;
  run.bare_root = true;
  run.argv = {std::string(kWorkerInside)};
  run.program = worker_;
  // The guest's environment is its own: this is the worker's.
  run.env = {"RAYON_NUM_THREADS=2", "TOKIO_WORKER_THREADS=2"};
  run.syscall_profile = settings.wasm.network.empty() ? "wasm-host" : "wasm-host-net";
  run.helper_tasks = kHelperTasks;
  run.helper_files = kHelperFiles;
  return steps;
}

void add_builtin_runtimes(RuntimeRegistry& registry) {
  registry.add(std::make_unique<WasmRuntime>(find_own_program(kWorkerName, "SANDPIT_WASM_WORKER")));
}

}  // namespace sandpit
