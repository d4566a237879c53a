// The two kinds of lines of `sandpit batch`: a task, read, and a result, written and looked at
// again by --resume. docs/batch.md lists the members.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"

namespace sandpit {

struct BatchTask {
  std::string id;  // as JSON text: 17, "a"; 17 and "17" are two ids
  Request request;
  std::optional<std::string> expected_stdout;
};

// `directory`: what a relative `file` starts from, with a slash at its end, or empty. Error kUsage
// with every problem of the line in it; `where` is the member ("limits.timeout_s", "args[2]") or
// "column N".
[[nodiscard]] Result<BatchTask> parse_batch_task(std::string_view line,
                                                 const std::string& directory);

// One line with a newline at its end: "id", "verdict" when there is one, then the Outcome's
// members.
[[nodiscard]] std::string batch_result_to_json(std::string_view id,
                                               const std::optional<std::string>& verdict,
                                               const Outcome& outcome);

// The id of a result line, as JSON text. Error kUsage when the line is none.
[[nodiscard]] Result<std::string> batch_result_id(std::string_view line);

}  // namespace sandpit
