#include <linux/audit.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/seccomp_profile.h"
#include "sys/syscall_names.h"

namespace sandpit::sys {
namespace {

// Insertions, deletions, replacements and swaps of neighbours, which are most mistypings.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::exchange(last, std::move(row));
  }
  return last[b.size()];
}

}  // namespace

std::uint32_t audit_arch(Architecture architecture) {
  return architecture == Architecture::kX8664 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

const SyscallTableRow* find_syscall(std::string_view name) {
  const auto table = syscall_table();
  const auto found = std::ranges::lower_bound(table, name, {}, &SyscallTableRow::name);
  return found != table.end() && found->name == name ? &*found : nullptr;
}

int number_on(const SyscallTableRow& row, Architecture architecture) {
  return architecture == Architecture::kX8664 ? row.x86_64 : row.aarch64;
}

std::string nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  // A third of the name may differ; further away a suggestion misleads.
  std::size_t best = name.size() / 3 + 1;
  std::string nearest;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string nearest_syscall(std::string_view name) {
  std::vector<std::string_view> names;
  for (const SyscallTableRow& row : syscall_table()) names.push_back(row.name);
  return nearest_name(name, names);
}

bool is_syscall_name(std::string_view name) { return find_syscall(name) != nullptr; }

std::optional<int> syscall_number(std::string_view name) {
  const SyscallTableRow* row = find_syscall(name);
  if (row == nullptr) return std::nullopt;
  const int number = number_on(*row, kNativeArchitecture);
  return number < 0 ? std::nullopt : std::optional<int>(number);
}

std::string syscall_name(int number) {
  if (number >= 0) {
    for (const SyscallTableRow& row : syscall_table()) {
      if (number_on(row, kNativeArchitecture) == number) return std::string(row.name);
    }
  }
  return "syscall_" + std::to_string(number);
}

}  // namespace sandpit::sys
