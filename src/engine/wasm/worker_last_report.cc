#include "engine/wasm/worker_last_report.h"

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <utility>

#include "engine/wasm/report.h"
#include "engine/wasm/worker_report.h"

namespace sandpit::wasm {
namespace {

constexpr int kTimedOut = 124;

// A callback of C has no place for them. NOLINTBEGIN(*-avoid-non-const-global-variables)
std::atomic_flag claimed;
ReportFile* report_file = nullptr;
Report prepared;
const char* doing_what = "";
// NOLINTEND(*-avoid-non-const-global-variables)

}  // namespace

void LastReport::prepare(ReportFile& file, Report report, const char* doing) {
  report_file = &file;
  doing_what = doing;
  prepared = std::move(report);
}

void LastReport::claim() {
  while (claimed.test_and_set()) (void)::pause();
}

void LastReport::expired(std::uint8_t end) {
  if (claimed.test_and_set()) return;
  prepared.end = static_cast<End>(end);
  prepared.message = prepared.end == End::kCpuTime ? "its CPU time was used up while "
                                                   : "the deadline came while ";
  prepared.message += doing_what;
  if (report_file != nullptr) {
    report_file->write(prepared);
    report_file->enter(Phase::kDone);
  }
  ::_exit(kTimedOut);
}

}  // namespace sandpit::wasm
