// The batch itself: one thread reads tasks, some run them; results go to the sink. What a task is
// run by comes from outside, so that all of this works without a jail.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "batch/admission.h"
#include "batch/id_set.h"
#include "batch/line_reader.h"
#include "batch/result_sink.h"
#include "batch/tally.h"
#include "codec/batch_json.h"
#include "sandpit/outcome.h"
#include "sandpit/request.h"
#include "sandpit/units.h"
#include "service/run_needs.h"

namespace sandpit::batch {

enum class OnFailure : std::uint8_t { kGoOn, kStop };

struct BatchOptions {
  unsigned jobs = 1;
  Order order = Order::kCompletion;
  OnFailure on_failure = OnFailure::kGoOn;
  ByteCount budget;  // of memory, for all limits in flight together
  ReadAhead ahead;
  std::size_t longest_line = std::size_t{64} << 20U;
  std::string name;       // of the tasks' file, for messages
  std::string directory;  // where their relative paths start
  Request defaults;       // see batch/defaults.h
};

// All are called from several threads.
struct BatchHooks {
  // Error kCancelled: nothing more can be run, the batch is to end. Any other error is this
  // request's own.
  std::function<Result<Outcome>(const Request&)> run;
  std::function<RunNeeds(const Request&)> needs;
  std::function<void(const Error&)> warn;
};

struct Ending {
  std::optional<Error> error;  // that ended it before its time
  bool failed_fast = false;
  std::string failed_id;  // the task that did it, empty: a bad line did
};

class Batch {
 public:
  // `tasks` is not owned; what is passed by reference must live longer.
  Batch(BatchOptions options, BatchHooks hooks, int tasks, ResultSink& sink, IdSet& ids,
        Tally& tally);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch();

  [[nodiscard]] Result<void> start();
  // Readable when all has been done or, after stop(), what was running has ended.
  [[nodiscard]] int done_descriptor() const { return done_.get(); }
  // No more tasks are begun.
  void stop();
  // Waits for the end.
  [[nodiscard]] Ending join();
  [[nodiscard]] ByteCount most_reserved() const { return admission_.most_reserved(); }

 private:
  void read();
  [[nodiscard]] bool take_line(Line& line);
  [[nodiscard]] Result<BatchTask> parse(Line& line) const;
  void refuse_line(const Line& line, Error error);
  void work();
  void run(QueuedTask& queued);
  [[nodiscard]] ResultSink::State record(const QueuedTask& queued, const Outcome& outcome,
                                         bool ran);
  void end_with(Error error);
  void fail_fast(const std::string& id);
  void thread_ends();

  const BatchOptions options_;
  const BatchHooks hooks_;
  ResultSink& sink_;
  IdSet& ids_;  // of the reading thread
  Tally& tally_;
  UniqueFd stop_;
  UniqueFd done_;
  int tasks_;
  Admission admission_;
  std::optional<LineReader> reader_;
  std::uint64_t next_number_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<unsigned> alive_ = 0;
  std::mutex ending_mutex_;
  Ending ending_;
  std::vector<std::thread> threads_;
};

}  // namespace sandpit::batch
