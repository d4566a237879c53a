// The Schedule between the thread that reads tasks and those that run them: reading waits while
// enough has been read ahead, running waits until a task may start. Safe from several threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "batch/result_sink.h"
#include "batch/schedule.h"
#include "sandpit/units.h"

namespace sandpit::batch {

struct ReadAhead {
  std::size_t tasks = 1024;
  std::uint64_t bytes = 64ULL << 20U;  // of their lines
  // Of finished results that wait for an earlier one (Order::kInput): above that only the one that
  // they wait for is started.
  std::size_t held_bytes = 64ULL << 20U;
};

class Admission {
 public:
  Admission(ByteCount budget, ReadAhead ahead, Order order);

  // Waits for room; at least one task always has it. False when no more are taken (the task is
  // dropped).
  [[nodiscard]] bool push(QueuedTask task);
  // No push() follows.
  void close();
  // Waits for a task that may start. Nothing: there are no more, or stop() was called.
  [[nodiscard]] std::optional<QueuedTask> take();
  // One that take() gave has ended, and where its result brought the sink.
  void finish(ByteCount memory, ResultSink::State sink);
  // Another result was put, of a task that was never queued.
  void written(ResultSink::State sink);
  // No more is taken; what is queued stays behind.
  void stop();

  [[nodiscard]] bool fits_at_all(ByteCount memory) const { return schedule_.fits_at_all(memory); }
  // The most memory that was promised at one time.
  [[nodiscard]] ByteCount most_reserved() const;

 private:
  [[nodiscard]] std::optional<QueuedTask> next();
  void move_on(ResultSink::State sink);

  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable work_;
  Schedule schedule_;
  const ReadAhead ahead_;
  const Order order_;
  ResultSink::State sink_;
  ByteCount most_reserved_;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace sandpit::batch
