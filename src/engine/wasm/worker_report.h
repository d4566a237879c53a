// The worker's side of report.h: the memory file that the supervisor maps too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "engine/wasm/report.h"

namespace sandpit::wasm {

// Encodes the report, without its lists when those don't fit into `capacity` bytes.
[[nodiscard]] std::string encode_within(Report report, std::size_t capacity);

class ReportFile {
 public:
  // Maps the file for the life of the process.
  [[nodiscard]] static Result<ReportFile> map(int fd);

  void enter(Phase phase);
  // The length is written last: a reader sees all or nothing.
  void write(const Report& report);
  [[nodiscard]] std::uint64_t* memory_high_water();

 private:
  explicit ReportFile(void* address) : address_(address) {}
  [[nodiscard]] ReportHeader& header() const { return *static_cast<ReportHeader*>(address_); }
  void* address_;
};

}  // namespace sandpit::wasm
