#include "engine/wasm/worker_report.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/binary.h"
#include "base/result.h"
#include "engine/wasm/report.h"

namespace sandpit::wasm {
namespace {

std::string encode(const Report& report) {
  binary::Writer writer;
  writer(report);
  return std::move(writer).take();
}

}  // namespace

std::string encode_within(Report report, std::size_t capacity) {
  std::string bytes = encode(report);
  if (bytes.size() <= capacity) return bytes;
  constexpr std::size_t kShown = 20;
  constexpr std::size_t kLongest = 1000;
  if (report.problems.size() > kShown) report.problems.resize(kShown);
  for (Problem& problem : report.problems) {
    for (std::string* text : {&problem.message, &problem.where, &problem.hint}) {
      if (text->size() > kLongest) text->resize(kLongest);
    }
  }
  for (std::string* text : {&report.message, &report.trap}) {
    if (text->size() > kLongest) text->resize(kLongest);
  }
  report.backtrace.clear();
  report.denied.clear();
  return encode(report);
}

Result<ReportFile> ReportFile::map(int fd) {
  void* address = ::mmap(nullptr, kReportCapacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) return fail(errno_error("mmap of the report", errno));
  return ReportFile(address);
}

void ReportFile::enter(Phase phase) {
  header().phase.store(static_cast<std::uint32_t>(phase), std::memory_order_relaxed);
}

void ReportFile::write(const Report& report) {
  const std::string bytes = encode_within(report, kReportCapacity - kReportOffset);
  if (bytes.size() > kReportCapacity - kReportOffset) return;
  std::memcpy(static_cast<char*>(address_) + kReportOffset, bytes.data(), bytes.size());
  header().length.store(static_cast<std::uint32_t>(bytes.size()), std::memory_order_release);
}

std::uint64_t* ReportFile::memory_high_water() {
  static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
  return reinterpret_cast<std::uint64_t*>(&header().memory_high_water);
}

}  // namespace sandpit::wasm
