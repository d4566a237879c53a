// Results on their way to the file: as they come, or in the order of the tasks. Safe from several
// threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "batch/results_file.h"

namespace sandpit::batch {

enum class Order : std::uint8_t { kCompletion, kInput };

class ResultSink {
 public:
  ResultSink(ResultsFile& file, Order order) : file_(file), order_(order) {}

  // Where the ordered results are: the number of the next one to write, and the bytes of later ones
  // that wait for it.
  struct State {
    std::uint64_t next = 0;
    std::size_t held_bytes = 0;
  };

  // The result of task `number` (from 0, each once). After an error, which is told again each time,
  // nothing more is written.
  Result<State> put(std::uint64_t number, std::string line);
  // Writes what still waits, in order, and syncs the file: tasks before it have no result.
  [[nodiscard]] Result<void> finish();
  // The same, and whatever is put afterwards is dropped: for an end that waits for nobody.
  [[nodiscard]] Result<void> shut();

 private:
  [[nodiscard]] Result<void> write_held();
  [[nodiscard]] Result<void> write(const std::string& line);

  ResultsFile& file_;
  const Order order_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::string> held_;
  State state_;
  std::optional<Error> failed_;
};

}  // namespace sandpit::batch
