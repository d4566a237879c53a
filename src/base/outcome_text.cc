#include "base/outcome_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

// Three significant digits, no trailing zeros: 64, 1.5, 8.12.
std::string short_number(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  std::string text = fmt::format("{:.{}f}", value, value >= 10 ? 1 : 2);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string memory_text(const Outcome& outcome, const Limits& limits) {
  // The WebAssembly worker's own verdict, of a module that nobody had to kill: it says which of its
  // settings was too small.
  if (outcome.wasm && outcome.signal == 0 && !outcome.message.empty()) {
    return "memory limit exceeded: " + outcome.message;
  }
  std::string detail;
  if (outcome.peak_memory.count() != 0) detail = "peak " + to_text(outcome.peak_memory);
  if (outcome.files.count() != 0) {
    detail +=
        fmt::format("{}{} of it in files", detail.empty() ? "" : "; ", to_text(outcome.files));
  }
  if (!detail.empty()) detail = fmt::format(" ({})", detail);
  return fmt::format("memory limit {} exceeded{}; --memory raises it", to_text(limits.memory),
                     detail);
}

std::string compile_text(const Outcome& outcome) {
  return outcome.message.empty() ? "the program did not compile"
                                 : "the program did not compile: " + outcome.message;
}

std::string truncation_text(const char* stream, std::uint64_t bytes, const Limits& limits) {
  return fmt::format(
      "{} was cut: {} bytes written, limit {} (head and tail kept); --output-limit raises it",
      stream, bytes, to_text(limits.output));
}

}  // namespace

std::string to_text(ByteCount bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes.count() < 1024) return fmt::format("{} bytes", bytes.count());
  double value = static_cast<double>(bytes.count()) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", short_number(value), kUnits.at(unit));
}

std::string to_text(Microseconds time) {
  const auto count = static_cast<double>(time.count());
  if (time < Microseconds{1000}) return fmt::format("{} µs", time.count());
  if (time < Microseconds{1000000}) return short_number(count / 1e3) + " ms";
  return short_number(count / 1e6) + " s";
}

std::string ending_text(const Outcome& outcome, const Limits& limits) {
  switch (outcome.status) {
    case Status::kExited:
      return outcome.message;
    case Status::kSignaled:
      return outcome.message.empty() ? fmt::format("killed by {}", signal_name(outcome.signal))
                                     : outcome.message;
    case Status::kWallTimeExceeded:
      return fmt::format("time limit {} exceeded; --timeout raises it",
                         to_text(Microseconds(limits.wall_time)));
    case Status::kCpuTimeExceeded:
      return fmt::format("CPU time limit {} exceeded; --cpu-time raises it",
                         to_text(Microseconds(limits.cpu_time)));
    case Status::kMemoryExceeded:
      return memory_text(outcome, limits);
    case Status::kOutputExceeded:
      return fmt::format("output limit {} exceeded; --output-limit raises it",
                         to_text(limits.output));
    case Status::kCompileFailed:
      return compile_text(outcome);
    case Status::kTrapped:
      return outcome.message.empty() ? "the module trapped" : "trap: " + outcome.message;
    case Status::kRefused:
      return outcome.message.empty() ? "refused" : outcome.message;
    case Status::kSandboxError:
      return outcome.message.empty() ? "the sandbox could not be set up" : outcome.message;
  }
  return outcome.message;
}

std::vector<std::string> truncation_texts(const Outcome& outcome, const Limits& limits) {
  std::vector<std::string> texts;
  if (outcome.stdout_truncated)
    texts.push_back(truncation_text("stdout", outcome.stdout_bytes, limits));
  if (outcome.stderr_truncated)
    texts.push_back(truncation_text("stderr", outcome.stderr_bytes, limits));
  return texts;
}

std::vector<std::string> denial_texts(const Outcome& outcome) {
  constexpr std::size_t kMostTold = 10;
  constexpr std::array<std::string_view, 4> kToldLimits = {"processes", "file_size", "disk",
                                                           "inodes"};
  std::vector<std::string> texts;
  std::uint64_t more = outcome.denials_unlisted;
  for (const Denial& denial : outcome.denials) {
    if (texts.size() == kMostTold) {
      more += denial.count;
      continue;
    }
    const std::string times = denial.count > 1 ? fmt::format(" {}x", denial.count) : "";
    const std::string hint = denial.hint.empty() ? "" : "; allow with " + denial.hint;
    texts.push_back(fmt::format("denied{}: {}{}", times, denial.what, hint));
  }
  if (more > 0) texts.push_back(fmt::format("denied {} more; --json lists them", more));
  for (const LimitReached& reached : outcome.limits_reached) {
    // Of the others the end of the run or of the output tells.
    if (std::ranges::find(kToldLimits, reached.limit) == kToldLimits.end()) continue;
    texts.push_back(fmt::format("limit of {} reached: {}; {} raises it", reached.limit,
                                reached.detail, reached.hint));
  }
  return texts;
}

std::vector<std::string> trace_texts(const FileTrace& trace) {
  constexpr std::size_t kMostTold = 20;
  std::vector<std::string> texts;
  if (!trace.missing.empty()) texts.push_back("file accesses were not traced: " + trace.missing);
  std::uint64_t more = trace.unlisted;
  const bool allowable = !trace.failed.empty() && !trace.failed.front().hint.empty();
  for (const FileAccess& access : trace.failed) {
    // Files that are nowhere are searches mostly: told when there is nothing better to tell.
    const bool search = access.hint.empty() && access.error == "ENOENT";
    if (texts.size() == kMostTold || (search && allowable)) {
      more += access.count;
      continue;
    }
    const std::string times = access.count > 1 ? fmt::format(" {}x", access.count) : "";
    const std::string hint = access.hint.empty() ? "" : "; allow with " + access.hint;
    texts.push_back(fmt::format("failed{}: {} {} ({}){}", times, access.access,
                                printable(access.path), access.error, hint));
  }
  if (more > 0) texts.push_back(fmt::format("failed {} more; --json lists them", more));
  if (trace.absent > 0) {
    texts.push_back(
        fmt::format("failed {} more: searches of the system's own directories", trace.absent));
  }
  return texts;
}

std::string summary_text(const Outcome& outcome) {
  std::string how = to_string(outcome.status);
  if (outcome.status == Status::kExited) how = fmt::format("exited with {}", outcome.exit_code);
  if (outcome.status == Status::kSignaled)
    how = fmt::format("killed by {}", signal_name(outcome.signal));
  return fmt::format("{}; wall {}, CPU {}, peak memory {}", how, to_text(outcome.wall_time),
                     to_text(outcome.cpu_time), to_text(outcome.peak_memory));
}

std::string wasm_text(const WasmOutcome& wasm) {
  std::string text = wasm.fuel_used ? fmt::format("fuel {}, ", *wasm.fuel_used) : std::string();
  text += "linear memory up to " + to_text(wasm.memory_high_water);
  const std::string compiler = wasm.compiler.empty() ? "" : " by " + wasm.compiler;
  text += wasm.cache_hit ? fmt::format(", compiled{} earlier (cache hit)", compiler)
                         : fmt::format(", compiled{} in {}", compiler, to_text(wasm.compile_time));
  if (wasm.warm) text += ", warm worker";
  return text;
}

}  // namespace sandpit
