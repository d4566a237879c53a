// The WebAssembly worker's protocol. What a hostile worker can say to the trusted side: the report
// file, an answer over the socket, the description of a module; and what a worker is told: its job,
// and requests. The first byte chooses; the second, of a report, is what was seen of the process.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "base/binary.h"
#include "base/utf8.h"
#include "codec/outcome_json.h"
#include "codec/wasm_description.h"
#include "engine/wasm/job.h"
#include "engine/wasm/report.h"
#include "engine/wasm/session.h"
#include "fuzz/input.h"
#include "service/wire.h"

namespace sandpit::fuzz {
namespace {

Outcome observed(std::uint8_t choice) {
  Outcome outcome;
  outcome.status = static_cast<Status>(choice % 10);
  outcome.exit_code = choice >> 4U;
  if (outcome.status == Status::kSignaled) outcome.signal = (choice & 16U) != 0 ? SIGKILL : SIGSEGV;
  return outcome;
}

// Pages of it hold what earlier inputs left there only as far as `length` says.
int report_file() {
  static const int fd = ::memfd_create("fuzz-report", MFD_CLOEXEC);
  return fd;
}

void read_file(std::string_view head, std::string_view report, std::uint8_t seen) {
  const int fd = report_file();
  require(
      ::ftruncate(fd, 0) == 0 && ::ftruncate(fd, static_cast<off_t>(wasm::kReportCapacity)) == 0,
      "the report file can be emptied");
  (void)!::pwrite(fd, head.data(), head.size(), 0);
  (void)!::pwrite(fd, report.data(), std::min(report.size(), wasm::kReportCapacity - 64),
                  wasm::kReportOffset);
  const wasm::Told told = wasm::read_report(fd);
  Outcome outcome = observed(seen);
  wasm::describe_wasm(told, {}, outcome);
  require(outcome.status <= Status::kSandboxError, "the status is one of ours");
  require(outcome.wasm.has_value(), "the outcome tells of the module");
  (void)exit_status(outcome);
  const std::string json = outcome_to_json(outcome);
  require(is_valid_utf8(json), "JSON is UTF-8");
  require(json.find('\n') == json.size() - 1, "JSON is one line");
  const std::string bytes = wire::encode(outcome);
  const auto again = wire::decode_outcome(bytes);
  require(again && wire::encode(*again) == bytes, "the outcome travels unchanged");
}

// As wasm_worker.cc and wasm_pool.cc read it.
void read_answer(std::string_view bytes, std::uint8_t seen) {
  wasm::ServeResponse response;
  binary::Reader reader(bytes);
  reader(response);
  if (!reader.finished()) return;
  wasm::Report report;
  binary::Reader inner(response.report);
  inner(report);
  if (!inner.finished() || report.end > wasm::End::kInternal) return;
  Outcome outcome = observed(seen);
  wasm::describe_wasm({.phase = wasm::Phase::kDone, .report = std::move(report)}, {}, outcome);
  require(is_valid_utf8(outcome_to_json(outcome)), "JSON is UTF-8");
}

// As worker_serve.cc and worker_setup.cc read it.
template <class Told>
void read_told(std::string_view bytes) {
  Told told;
  binary::Reader reader(bytes);
  reader(told);
  if (!reader.finished()) return;
  binary::Writer writer;
  writer(told);
  const std::string written = std::move(writer).take();
  Told again;
  binary::Reader second(written);
  second(again);
  require(second.finished(), "what was encoded can be decoded");
  binary::Writer third;
  third(again);
  require(std::move(third).take() == written, "decoding and encoding changes nothing");
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sandpit;
  fuzz::Input input(data, size);
  switch (input.take() % 6) {
    case 0: {  // the whole file, as it is
      const std::uint8_t seen = input.take();
      const std::string_view head = input.rest().substr(0, wasm::kReportOffset);
      fuzz::read_file(head, input.rest().substr(head.size()), seen);
      break;
    }
    case 1: {  // a report behind a sound header
      const std::uint8_t seen = input.take();
      const struct {
        std::uint32_t phase;
        std::uint32_t length;
        std::uint64_t memory;
      } head{input.take(), static_cast<std::uint32_t>(input.rest().size()), 65536};
      fuzz::read_file({reinterpret_cast<const char*>(&head), sizeof head}, input.rest(), seen);
      break;
    }
    case 2: {
      const std::uint8_t seen = input.take();
      fuzz::read_answer(input.rest(), seen);
      break;
    }
    case 4:
      fuzz::read_told<wasm::ServeRequest>(input.rest());
      break;
    case 5:
      fuzz::read_told<wasm::WasmJob>(input.rest());
      break;
    default:
      (void)parse_wasm_description(input.rest());
  }
  return 0;
}
