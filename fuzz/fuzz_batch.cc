// A line of a batch: tasks are what users write, and results are read again after a crash. Whatever
// the bytes are, the answer is a task or an error, and a task's id survives its result line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "codec/batch_json.h"
#include "sandpit/outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  (void)sandpit::batch_result_id(line);
  const auto task = sandpit::parse_batch_task(line, "tasks/");
  if (!task) {
    if (task.error().to_string().empty()) std::abort();
    return 0;
  }
  const auto id = sandpit::batch_result_id(
      sandpit::batch_result_to_json(task->id, std::nullopt, sandpit::Outcome{}));
  if (!id || *id != task->id) std::abort();
  return 0;
}
