#include "batch/schedule.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <utility>

#include "sandpit/units.h"

namespace sandpit::batch {

void Schedule::add(QueuedTask task) {
  ++size_;
  bytes_ += task.bytes;
  auto lane = std::ranges::find(lanes_, task.lane, &Lane::name);
  if (lane == lanes_.end()) {
    lanes_.push_back({.name = task.lane, .tasks = {}});
    lane = std::prev(lanes_.end());
  }
  lane->tasks.push_back(std::move(task));
}

bool Schedule::fits(const QueuedTask& task) const {
  return task.memory.count() <= budget_.count() - std::min(budget_, reserved_).count();
}

QueuedTask Schedule::take(Lanes::iterator lane) {
  QueuedTask task = std::move(lane->tasks.front());
  lane->tasks.pop_front();
  lane->overtaken = 0;
  --size_;
  bytes_ -= task.bytes;
  reserved_ = ByteCount::bytes(reserved_.count() + task.memory.count());
  // Its turn is over; those that were passed by keep theirs.
  lanes_.splice(lanes_.end(), lanes_, lane);
  if (lanes_.back().tasks.empty()) lanes_.pop_back();
  return task;
}

std::optional<QueuedTask> Schedule::next() {
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    if (!fits(lane->tasks.front())) {
      if (lane->overtaken >= kMostOvertaken) return std::nullopt;
      continue;
    }
    for (auto passed = lanes_.begin(); passed != lane; ++passed) ++passed->overtaken;
    return take(lane);
  }
  return std::nullopt;
}

std::optional<QueuedTask> Schedule::next_only(std::uint64_t number) {
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    const QueuedTask& first = lane->tasks.front();
    if (first.number == number) return fits(first) ? std::optional(take(lane)) : std::nullopt;
  }
  return std::nullopt;
}

void Schedule::finish(ByteCount memory) {
  reserved_ = ByteCount::bytes(reserved_.count() - std::min(reserved_, memory).count());
}

}  // namespace sandpit::batch
