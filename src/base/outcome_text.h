// An Outcome in words, for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "sandpit/limits.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"

namespace sandpit {

// "64 MiB", "1.5 GiB", "12 bytes": three significant digits, the largest unit that keeps it
// above 1.
[[nodiscard]] std::string to_text(ByteCount bytes);
// "1 s", "1.5 s", "250 ms", "42 µs".
[[nodiscard]] std::string to_text(Microseconds time);

// How the run ended and which option raises the limit that ended it; empty for a plain exit.
// `limits` are the run's own (Plan::limits).
[[nodiscard]] std::string ending_text(const Outcome& outcome, const Limits& limits);

// What it was denied, a line for each of the first ten; then the limits that it came up against and
// that neither its end nor a truncation tells.
[[nodiscard]] std::vector<std::string> denial_texts(const Outcome& outcome);
// What a trace found, up to twenty lines.
[[nodiscard]] std::vector<std::string> trace_texts(const FileTrace& trace);
// One sentence for each output stream that was cut.
[[nodiscard]] std::vector<std::string> truncation_texts(const Outcome& outcome,
                                                        const Limits& limits);

// "exited with 0; wall 12.3 ms, CPU 9.8 ms, peak memory 8.1 MiB".
[[nodiscard]] std::string summary_text(const Outcome& outcome);

// "fuel 1234, linear memory up to 1.2 MiB, compiled by cranelift in 3.2 ms".
[[nodiscard]] std::string wasm_text(const WasmOutcome& wasm);

}  // namespace sandpit
