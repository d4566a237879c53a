#include "batch/batch.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/outcome_text.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "batch/defaults.h"
#include "batch/id_set.h"
#include "batch/line_reader.h"
#include "batch/result_sink.h"
#include "batch/schedule.h"
#include "batch/tally.h"
#include "codec/batch_json.h"
#include "sandpit/error.h"
#include "sandpit/outcome.h"
#include "sandpit/units.h"
#include "service/run_needs.h"

namespace sandpit::batch {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void raise(const UniqueFd& event) {
  // It can only fail when the counter is full: it is readable then as well.
  const std::uint64_t one = 1;
  (void)!::write(event.get(), &one, sizeof one);
}

// The result of a task that never became a run.
Outcome outcome_of(const Error& error) {
  const bool sandbox = error.code == ErrorCode::kSandbox || error.code == ErrorCode::kSystem;
  Outcome outcome;
  outcome.status = sandbox ? Status::kSandboxError : Status::kRefused;
  outcome.message = error.to_string();
  return outcome;
}

Outcome too_much_memory(ByteCount memory, ByteCount budget) {
  Outcome outcome;
  outcome.status = Status::kRefused;
  outcome.message = fmt::format(
      "its limits allow {} of memory, and this batch has {} for all that runs "
      "(lower its limits, or see --memory-budget and --overcommit)",
      to_text(memory), to_text(budget));
  return outcome;
}

void put_line(Error& error, std::string_view name, std::uint64_t line) {
  error.where = error.where.empty() ? fmt::format("{}:{}", name, line)
                                    : fmt::format("{}:{}: {}", name, line, error.where);
  for (Error& other : error.others) put_line(other, name, line);
}

}  // namespace

Batch::Batch(BatchOptions options, BatchHooks hooks, int tasks, ResultSink& sink, IdSet& ids,
             Tally& tally)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      sink_(sink),
      ids_(ids),
      tally_(tally),
      tasks_(tasks),
      admission_(options_.budget, options_.ahead, options_.order) {}

Batch::~Batch() {
  stop();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

Result<void> Batch::start() {
  stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  done_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_.valid() || !done_.valid()) return fail(errno_error("eventfd", errno));
  reader_.emplace(tasks_, options_.longest_line, stop_.get());
  alive_ = options_.jobs + 1;
  threads_.emplace_back([this] {
    read();
    thread_ends();
  });
  for (unsigned i = 0; i < options_.jobs; ++i) {
    threads_.emplace_back([this] {
      work();
      thread_ends();
    });
  }
  return {};
}

void Batch::thread_ends() {
  if (--alive_ == 0) raise(done_);
}

void Batch::stop() {
  stopping_ = true;
  if (stop_.valid()) raise(stop_);
  admission_.stop();
}

Ending Batch::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const std::scoped_lock lock(ending_mutex_);
  return ending_;
}

void Batch::end_with(Error error) {
  {
    const std::scoped_lock lock(ending_mutex_);
    if (!ending_.error) ending_.error = std::move(error);
  }
  stop();
}

void Batch::fail_fast(const std::string& id) {
  if (options_.on_failure != OnFailure::kStop) return;
  {
    const std::scoped_lock lock(ending_mutex_);
    if (!ending_.failed_fast) ending_.failed_id = id;
    ending_.failed_fast = true;
  }
  stop();
}

void Batch::read() {
  while (!stopping_) {
    auto line = reader_->next();
    if (!line) {
      end_with(with_context(std::move(line).error(), options_.name));
      break;
    }
    if (!*line || !take_line(**line)) break;
  }
  admission_.close();
}

Result<BatchTask> Batch::parse(Line& line) const {
  if (line.too_long) {
    return fail({.code = ErrorCode::kUsage,
                 .message = fmt::format("the line is longer than {}",
                                        to_text(ByteCount::bytes(options_.longest_line))),
                 .where = {},
                 .hint = "a large source goes into a file of its own (\"file\")"});
  }
  std::string_view text = line.text;
  if (line.number == 1 && text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  return parse_batch_task(text, options_.directory);
}

void Batch::refuse_line(const Line& line, Error error) {
  put_line(error, options_.name, line.number);
  hooks_.warn(error);
  tally_.bad_line(line.bytes);
  fail_fast({});
}

// False: no more lines are wanted.
bool Batch::take_line(Line& line) {
  if (!line.too_long && line.text.find_first_not_of(" \t\r") == std::string::npos) {
    tally_.passed(line.bytes);
    return true;
  }
  auto task = parse(line);
  if (!task) {
    refuse_line(line, std::move(task).error());
    return !stopping_;
  }
  line.text = {};
  const std::uint8_t before = ids_.mark(task->id, IdSet::kSeen);
  if ((before & IdSet::kSeen) != 0) {
    refuse_line(line, {.code = ErrorCode::kUsage,
                       .message = fmt::format("an earlier line has the id {}", task->id),
                       .where = "id",
                       .hint = "results are told apart by it"});
    return !stopping_;
  }
  if ((before & IdSet::kDone) != 0) {
    tally_.skipped(line.bytes);
    return true;
  }
  apply_defaults(task->request, options_.defaults);
  RunNeeds needs = hooks_.needs(task->request);
  QueuedTask queued{.task = std::move(*task),
                    .number = next_number_++,
                    .lane = std::move(needs.runtime),
                    .memory = needs.memory,
                    .bytes = line.bytes};
  if (admission_.fits_at_all(queued.memory)) return admission_.push(std::move(queued));
  tally_.started();
  admission_.written(record(queued, too_much_memory(queued.memory, options_.budget), true));
  return !stopping_;
}

void Batch::work() {
  while (auto queued = admission_.take()) run(*queued);
}

void Batch::run(QueuedTask& queued) {
  tally_.started();
  const auto outcome = hooks_.run(queued.task.request);
  ResultSink::State state;
  if (outcome) {
    state = record(queued, *outcome, true);
  } else if (outcome.error().code == ErrorCode::kCancelled) {
    tally_.abandoned();
    end_with(outcome.error());
  } else {
    // "refused" by lint or policy is an answer about the program, as in `sandpit run`.
    const bool answered = outcome.error().code == ErrorCode::kRefused;
    state = record(queued, outcome_of(outcome.error()), answered);
  }
  admission_.finish(queued.memory, state);
}

ResultSink::State Batch::record(const QueuedTask& queued, const Outcome& outcome, bool ran) {
  const auto verdict = verdict_of(queued.task.expected_stdout, outcome);
  auto state = sink_.put(queued.number, batch_result_to_json(queued.task.id, verdict, outcome));
  if (!state) {
    tally_.abandoned();
    end_with(std::move(state).error());
    return {};
  }
  tally_.finished(outcome, verdict, ran, queued.bytes);
  if (!succeeded(outcome, verdict)) fail_fast(queued.task.id);
  return *state;
}

}  // namespace sandpit::batch
