#include "supervisor/output_collector.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "sandpit/units.h"

namespace sandpit {
namespace {

constexpr std::uint64_t kLargestTail = 64U << 10U;

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

OutputCollector::OutputCollector(ByteCount limit)
    : limit_(limit.count()),
      tail_limit_(std::min(limit_ / 4, kLargestTail)),
      head_limit_(limit_ - tail_limit_) {}

std::string_view OutputCollector::take(std::string_view bytes) {
  const std::uint64_t head_room = head_limit_ - std::min(head_limit_, total_);
  total_ += bytes.size();
  const std::string_view head = bytes.substr(0, std::min<std::uint64_t>(head_room, bytes.size()));
  std::string_view rest = bytes.substr(head.size());
  if (rest.empty()) return head;
  if (after_head_.size() < 3) after_head_ += rest.substr(0, 3 - after_head_.size());
  // Only the last bytes can matter: a flood is not copied.
  if (rest.size() > tail_limit_) rest = rest.substr(rest.size() - tail_limit_);
  tail_ += rest;
  if (tail_.size() > 2 * tail_limit_) tail_.erase(0, tail_.size() - tail_limit_);
  return head;
}

std::string OutputCollector::finish() {
  if (tail_.size() > tail_limit_) tail_.erase(0, tail_.size() - tail_limit_);
  if (!truncated()) return std::move(tail_);
  std::string result;
  // Completes the character that the end of the head has split …
  for (const char byte : after_head_) {
    if (!is_continuation(byte)) break;
    result += byte;
  }
  // … and skips the rest of the one that the start of the tail has split.
  std::size_t start = 0;
  while (start < 3 && start < tail_.size() && is_continuation(tail_[start])) ++start;
  result.append(tail_, start);
  return result;
}

}  // namespace sandpit
