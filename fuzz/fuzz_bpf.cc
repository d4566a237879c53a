// System-call filters. First byte even: rules made of the input, compiled, and each verdict
// compared with what reading the rules in order says. Odd: the input as a profile's TOML.
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "fuzz/input.h"
#include "sys/seccomp_notify.h"
#include "sys/seccomp_profile.h"

namespace sandpit::fuzz {
namespace {

using sys::Architecture;
using sys::ArgumentTest;
using sys::SyscallAction;
using sys::SyscallProfile;
using sys::SyscallRule;
using Arguments = std::array<std::uint64_t, 6>;

bool holds(const ArgumentTest& test, const Arguments& arguments) {
  const std::uint64_t value = arguments[test.index] & test.mask;
  switch (test.op) {
    case ArgumentTest::Op::kEqual:
      return value == test.value;
    case ArgumentTest::Op::kNotEqual:
      return value != test.value;
    case ArgumentTest::Op::kLess:
      return value < test.value;
    case ArgumentTest::Op::kLessEqual:
      return value <= test.value;
    case ArgumentTest::Op::kGreater:
      return value > test.value;
    case ArgumentTest::Op::kGreaterEqual:
      return value >= test.value;
  }
  return false;
}

std::uint32_t denied_with(int errno_value) {
  return SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(errno_value) & SECCOMP_RET_DATA);
}

// The number of each row's call, -1 where the architecture lacks it.
std::vector<int> numbers_of(const SyscallProfile& profile, Architecture architecture) {
  std::vector<int> numbers;
  for (const SyscallRule& rule : profile.rules) {
    numbers.push_back(sys::number_on(*sys::find_syscall(rule.name), architecture));
  }
  return numbers;
}

// The meaning of a profile, as seccomp.h tells it.
std::uint32_t expected(const SyscallProfile& profile, const std::vector<int>& rows,
                       Architecture architecture, int number, const Arguments& arguments) {
  const auto unsigned_number = static_cast<std::uint32_t>(number);
  if (number < 0) return denied_with(profile.default_errno);
  if (architecture == Architecture::kX8664 && unsigned_number >= 0x40000000U) {
    return SECCOMP_RET_KILL_PROCESS;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != number) continue;
    const SyscallRule& rule = profile.rules[i];
    const auto true_of = [&](const ArgumentTest& test) { return holds(test, arguments); };
    if (!std::ranges::all_of(rule.when, true_of)) continue;
    if (rule.action == SyscallAction::kAllow) return SECCOMP_RET_ALLOW;
    if (rule.action == SyscallAction::kKill) return SECCOMP_RET_KILL_PROCESS;
    if (rule.action == SyscallAction::kObserve) return SECCOMP_RET_USER_NOTIF | sys::kObserved;
    if (rule.action == SyscallAction::kTrace) return SECCOMP_RET_USER_NOTIF | sys::kTraced;
    const std::uint32_t denied = denied_with(rule.errno_value);
    if (rule.action != SyscallAction::kNotify) return denied;
    return SECCOMP_RET_USER_NOTIF | (denied & SECCOMP_RET_DATA);
  }
  return denied_with(profile.default_errno);
}

// Mostly values near each other, zeros and whole halves: where comparisons go wrong.
std::uint64_t take_word(Input& input) {
  static constexpr std::array<std::uint64_t, 12> kNotable = {
      0,          1,           0xff,        0x5412,      0x7fffffff,         0x80000000,
      0xffffffff, 0x100000000, 0x100000001, 0x10000000f, 0xffffffff00000000, ~std::uint64_t{0}};
  const std::uint8_t choice = input.take();
  if (choice < 200) return kNotable[choice % kNotable.size()] + (choice / 12) % 3;
  return input.take<std::uint64_t>();
}

SyscallRule take_rule(Input& input) {
  const auto table = sys::syscall_table();
  const std::uint8_t shape = input.take();
  // Few names, so that rows of one call meet; else any.
  const std::size_t row = (shape & 8U) != 0 ? input.take() % 6 : input.take<std::uint16_t>();
  SyscallRule rule{.name = std::string(table[row % table.size()].name),
                   .action = static_cast<SyscallAction>(shape % 6),
                   .errno_value = input.take(),
                   .when = {},
                   .why = {}};
  for (unsigned i = 0; i < (shape >> 4U) % 4; ++i) {
    const std::uint8_t test = input.take();
    rule.when.push_back({.index = test % 6U,
                         .mask = (test & 64U) != 0 ? take_word(input) : ~std::uint64_t{0},
                         .op = static_cast<ArgumentTest::Op>((test >> 3U) % 6),
                         .value = take_word(input)});
  }
  return rule;
}

void compare(const SyscallProfile& profile, Architecture architecture, Input& input) {
  const auto program = sys::compile_profile_for(profile, architecture);
  if (!program) return;  // too many instructions: nothing else can be wrong with these
  const std::uint32_t arch = sys::audit_arch(architecture);
  const std::uint32_t foreign = sys::audit_arch(
      architecture == Architecture::kX8664 ? Architecture::kAarch64 : Architecture::kX8664);
  require(sys::evaluate(*program, foreign, 0, {}) == SECCOMP_RET_KILL_PROCESS,
          "a foreign architecture kills");
  std::set<int> numbers = {-1, 0, 1, 0x3fffffff, 0x40000000, 0x7fffffff, -0x7fffffff - 1};
  const std::vector<int> rows = numbers_of(profile, architecture);
  for (const int number : rows) {
    if (number >= 0) numbers.insert({number - 1, number, number + 1});
  }
  // The values that tests compare with, and their neighbours.
  std::vector<std::uint64_t> words = {0, ~std::uint64_t{0}};
  for (const SyscallRule& rule : profile.rules) {
    for (const ArgumentTest& test : rule.when) {
      if (words.size() > 60) break;
      words.insert(words.end(), {test.value, test.value - 1, test.value + 1, test.mask});
    }
  }
  for (unsigned round = 0; round < 3; ++round) {
    Arguments arguments{};
    for (std::uint64_t& argument : arguments) {
      argument = input.empty() ? words[(round * 7 + words.size()) % words.size()]
                               : words[input.take() % words.size()];
    }
    for (const int number : numbers) {
      require(sys::evaluate(*program, arch, number, arguments) ==
                  expected(profile, rows, architecture, number, arguments),
              "the filter says what the rules say");
    }
  }
}

void differential(Input& input) {
  SyscallProfile profile{
      .name = "fuzz", .description = {}, .default_errno = input.take(), .rules = {}};
  const std::size_t count = input.take() % 32;
  while (profile.rules.size() < count && !input.empty()) profile.rules.push_back(take_rule(input));
  compare(profile, Architecture::kX8664, input);
  compare(profile, Architecture::kAarch64, input);
}

void from_text(std::string_view text) {
  const auto profile =
      sys::load_profile("fuzz", [&](std::string_view name) -> std::optional<std::string_view> {
        if (name == "fuzz") return text;
        if (name == "base") return "description = \"b\"\n";
        return std::nullopt;
      });
  if (!profile) return;
  Input none(nullptr, 0);
  compare(*profile, Architecture::kX8664, none);
}

}  // namespace
}  // namespace sandpit::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sandpit::fuzz::Input input(data, size);
  if (input.take() % 2 == 0) {
    sandpit::fuzz::differential(input);
  } else {
    sandpit::fuzz::from_text(input.rest());
  }
  return 0;
}
