// Many runs in one worker: requests over a socket, one after the other. See job.h.
#pragma once

#include "engine/wasm/job.h"
#include "engine/wasm/worker_report.h"

namespace sandpit::wasm {

// Until the socket is closed. Returns the exit code.
[[nodiscard]] int serve(const WasmJob& job, ReportFile& file);

}  // namespace sandpit::wasm
