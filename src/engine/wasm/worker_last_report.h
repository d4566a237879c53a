// The report of a worker that ends its own process because a guest computes beyond its time.
#pragma once

#include <cstdint>

#include "engine/wasm/report.h"
#include "engine/wasm/worker_report.h"

namespace sandpit::wasm {

class LastReport {
 public:
  // What is known already of the run, and what is done now ("the program computed"); `file` must
  // live as long as the process.
  static void prepare(ReportFile& file, Report report, const char* doing);
  // The run has ended in time: from now on expired() does nothing. Waits for the end of the process
  // when expired() was first.
  static void claim();
  // Writes the report and ends the process. Called on another thread; `end` is an End.
  static void expired(std::uint8_t end);
};

}  // namespace sandpit::wasm
