#include "batch/result_sink.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "base/result.h"
#include "sandpit/error.h"

namespace sandpit::batch {

Result<void> ResultSink::write(const std::string& line) {
  if (failed_) return fail(*failed_);
  auto written = file_.append(line);
  if (!written) failed_ = written.error();
  return written;
}

Result<ResultSink::State> ResultSink::put(std::uint64_t number, std::string line) {
  const std::scoped_lock lock(mutex_);
  if (order_ == Order::kCompletion) {
    SP_TRY_VOID(write(line));
    return state_;
  }
  state_.held_bytes += line.size();
  held_.emplace(number, std::move(line));
  while (!held_.empty() && held_.begin()->first == state_.next) {
    SP_TRY_VOID(write(held_.begin()->second));
    state_.held_bytes -= held_.begin()->second.size();
    held_.erase(held_.begin());
    ++state_.next;
  }
  return state_;
}

Result<void> ResultSink::write_held() {
  for (const auto& [number, line] : held_) SP_TRY_VOID(write(line));
  held_.clear();
  state_.held_bytes = 0;
  if (failed_) return fail(*failed_);
  return file_.sync();
}

Result<void> ResultSink::finish() {
  const std::scoped_lock lock(mutex_);
  return write_held();
}

Result<void> ResultSink::shut() {
  const std::scoped_lock lock(mutex_);
  auto written = write_held();
  if (!failed_) failed_ = Error{.code = ErrorCode::kCancelled, .message = "cancelled"};
  return written;
}

}  // namespace sandpit::batch
