#include "batch/admission.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "batch/result_sink.h"
#include "batch/schedule.h"
#include "sandpit/units.h"

namespace sandpit::batch {

Admission::Admission(ByteCount budget, ReadAhead ahead, Order order)
    : schedule_(budget), ahead_(ahead), order_(order) {}

bool Admission::push(QueuedTask task) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] {
    return stopped_ || schedule_.size() == 0 ||
           (schedule_.size() < ahead_.tasks && schedule_.bytes() + task.bytes <= ahead_.bytes);
  });
  if (stopped_) return false;
  schedule_.add(std::move(task));
  work_.notify_one();
  return true;
}

void Admission::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  work_.notify_all();
}

std::optional<QueuedTask> Admission::next() {
  const bool crowded = order_ == Order::kInput && sink_.held_bytes > ahead_.held_bytes;
  return crowded ? schedule_.next_only(sink_.next) : schedule_.next();
}

std::optional<QueuedTask> Admission::take() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    if (auto task = next()) {
      most_reserved_ = std::max(most_reserved_, schedule_.reserved());
      room_.notify_all();
      return task;
    }
    if (closed_ && schedule_.size() == 0) break;
    work_.wait(lock);
  }
  return std::nullopt;
}

void Admission::move_on(ResultSink::State sink) {
  // Two threads may come here in another order than they left the sink.
  if (sink.next >= sink_.next) sink_ = sink;
  // Everybody: what may start now is not what any one of them would look for.
  work_.notify_all();
}

void Admission::finish(ByteCount memory, ResultSink::State sink) {
  const std::scoped_lock lock(mutex_);
  schedule_.finish(memory);
  move_on(sink);
}

void Admission::written(ResultSink::State sink) {
  const std::scoped_lock lock(mutex_);
  move_on(sink);
}

void Admission::stop() {
  const std::scoped_lock lock(mutex_);
  stopped_ = true;
  room_.notify_all();
  work_.notify_all();
}

ByteCount Admission::most_reserved() const {
  const std::scoped_lock lock(mutex_);
  return most_reserved_;
}

}  // namespace sandpit::batch
