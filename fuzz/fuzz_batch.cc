// A line of a batch: tasks are what users write, and results are read again after a crash. Whatever
// the bytes are, the answer is a task or an error, and a task's id survives its result line.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "codec/batch_json.h"
#include "fuzz/input.h"
#include "sandpit/outcome.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sandpit;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  (void)batch_result_id(line);
  const auto task = parse_batch_task(line, "tasks/");
  if (!task) {
    fuzz::require(!task.error().to_string().empty(), "an error says what is wrong");
    return 0;
  }
  const auto id = batch_result_id(batch_result_to_json(task->id, std::nullopt, Outcome{}));
  fuzz::require(id && *id == task->id, "an id is read as it was written");
  return 0;
}
