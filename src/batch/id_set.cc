#include "batch/id_set.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sha256.h"

namespace sandpit::batch {
namespace {

constexpr std::size_t kFirstSlots = 1024;
constexpr std::uint64_t kMarks = 3;

std::uint64_t number(std::string_view hexadecimal) {
  std::uint64_t value = 0;
  constexpr int kBase = 16;
  (void)std::from_chars(hexadecimal.data(), hexadecimal.data() + hexadecimal.size(), value, kBase);
  return value;
}

}  // namespace

IdSet::Slot& IdSet::find(const Slot& key) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = key[1] & mask;
  while (true) {
    Slot& slot = slots_[at];
    const bool empty = slot[0] == 0 && slot[1] == 0;
    if (empty || (slot[1] == key[1] && (slot[0] & ~kMarks) == key[0])) return slot;
    at = (at + 1) & mask;
  }
}

void IdSet::grow() {
  std::vector<Slot> old = std::move(slots_);
  slots_.assign(old.empty() ? kFirstSlots : old.size() * 2, Slot{});
  for (const Slot& slot : old) {
    if (slot[0] != 0 || slot[1] != 0) find({slot[0] & ~kMarks, slot[1]}) = slot;
  }
}

std::uint8_t IdSet::mark(std::string_view id, Mark mark) {
  // At most three quarters full: chains stay short.
  if (size_ * 4 >= slots_.size() * 3) grow();
  const std::string digest = sha256_hex(id);
  constexpr std::size_t kDigits = 16;
  const Slot key{number(std::string_view(digest).substr(0, kDigits)) & ~kMarks,
                 number(std::string_view(digest).substr(kDigits, kDigits))};
  Slot& slot = find(key);
  const auto before = static_cast<std::uint8_t>(slot[0] & kMarks);
  if (before == 0) ++size_;
  slot = {key[0] | before | mark, key[1]};
  return before;
}

}  // namespace sandpit::batch
