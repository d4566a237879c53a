// Which ids have a result already and which were seen in the tasks: 16 bytes for each id, whatever
// its length, in a table that is three eighths to three quarters full: 43 bytes for each at worst.
//
// Ids are kept as 126 bits of their SHA-256, so that nobody can choose two that fall together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sandpit::batch {

class IdSet {
 public:
  enum Mark : std::uint8_t { kDone = 1, kSeen = 2 };

  // Adds the mark; answers those that the id had before, 0 when it is new.
  std::uint8_t mark(std::string_view id, Mark mark);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  using Slot = std::array<std::uint64_t, 2>;  // both zero: empty; the marks are the low two bits

  [[nodiscard]] Slot& find(const Slot& key);
  void grow();

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace sandpit::batch
