// From a warm worker's answer to an Outcome. For wasm_pool.cc.
#pragma once

#include <chrono>

#include "plan/plan.h"
#include "sandpit/outcome.h"
#include "service/wasm_worker.h"

namespace sandpit {

// `plan`: of a cold run of the same kind; `started`: when the worker was asked. Its `wasm` is
// there, whatever happened.
[[nodiscard]] Outcome warm_outcome(const Plan& plan, const WasmWorker::Reply& reply,
                                   WasmWorker& worker,
                                   std::chrono::steady_clock::time_point started);

}  // namespace sandpit
