// Bounds one output stream of a program: the head goes out as it comes, of the rest the tail is
// kept, the true count is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sandpit/units.h"

namespace sandpit {

class OutputCollector {
 public:
  explicit OutputCollector(ByteCount limit);

  // Takes what the program wrote; returns the part of it that belongs to the head and may go out
  // now.
  [[nodiscard]] std::string_view take(std::string_view bytes);
  // At the end: what goes out after the head. When the stream was truncated it starts and the head
  // ends at a UTF-8 boundary.
  [[nodiscard]] std::string finish();

  [[nodiscard]] std::uint64_t total() const { return total_; }
  [[nodiscard]] bool truncated() const { return total_ > limit_; }

 private:
  std::uint64_t limit_;
  std::uint64_t tail_limit_;
  std::uint64_t head_limit_;
  std::uint64_t total_ = 0;
  std::string
      after_head_;    // the first bytes behind the head, to complete a character that the cut split
  std::string tail_;  // at most 2 * tail_limit_ bytes, trimmed as it grows
};

}  // namespace sandpit
