// Which task starts next: a queue for each runtime, taken from in turn; no more memory promised
// than there is; nobody waits forever. No thread, no clock: admission.h has the waiting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>

#include "codec/batch_json.h"
#include "sandpit/units.h"

namespace sandpit::batch {

struct QueuedTask {
  BatchTask task;
  std::uint64_t number = 0;  // in the order of the file, from 0
  std::string lane;          // its runtime
  ByteCount memory;          // that its limits allow it
  std::uint64_t bytes = 0;   // of its line
};

class Schedule {
 public:
  explicit Schedule(ByteCount budget) : budget_(budget) {}

  void add(QueuedTask task);
  // The next to start, if any may. Runtimes take turns. One whose first task needs more memory than
  // is free is passed by, but only kMostOvertaken times: then nothing else starts until it fits.
  [[nodiscard]] std::optional<QueuedTask> next();
  // The same, but only the task of that number may start.
  [[nodiscard]] std::optional<QueuedTask> next_only(std::uint64_t number);
  // A task that next() gave has ended.
  void finish(ByteCount memory);

  [[nodiscard]] bool fits_at_all(ByteCount memory) const { return memory <= budget_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] ByteCount reserved() const { return reserved_; }

  static constexpr unsigned kMostOvertaken = 16;

 private:
  struct Lane {
    std::string name;
    std::deque<QueuedTask> tasks;
    unsigned overtaken = 0;
  };
  using Lanes = std::list<Lane>;  // whose turn is next stands first; none is empty

  [[nodiscard]] bool fits(const QueuedTask& task) const;
  QueuedTask take(Lanes::iterator lane);

  ByteCount budget_;
  ByteCount reserved_;
  Lanes lanes_;
  std::size_t size_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace sandpit::batch
