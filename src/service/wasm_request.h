// From a Request to what a warm worker is asked, and the Plan of its jail. Pure, but for reading
// the source. For wasm_pool.cc.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"
#include "engine/wasm/job.h"
#include "plan/plan.h"
#include "sandpit/config.h"
#include "sandpit/limits.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"

namespace sandpit {

// Has the request no more of its own than a worker that is up already can serve?
[[nodiscard]] bool can_be_warm(const Request& request, const Settings& settings,
                               const RuntimeRegistry& registry);

struct WasmModule {
  std::string bytes;
  std::string name;
  std::string digest;
};
// Error kRefused, before anything is read, when it is larger than the disk limit.
[[nodiscard]] Result<WasmModule> read_module(const Request& request, const Limits& limits);

// Without serial, bounds, input and artefact. `plan`: of a cold run.
[[nodiscard]] wasm::ServeRequest serve_request(const Request& request, const WasmModule& module,
                                               const Plan& plan);
[[nodiscard]] wasm::RunBounds bounds_until(std::chrono::steady_clock::time_point deadline,
                                           const Limits& limits);

// The Plan of a worker for such runs: what differs from one of them to the next is left out.
[[nodiscard]] Plan serving_plan(Plan plan);

}  // namespace sandpit
