// The built-in profiles: against an independent reading of their rules, against their golden files,
// and as changed by a user.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "sys/seccomp_notify.h"
#include "sys/seccomp_profile.h"

namespace sandpit::sys {
namespace {

using ::testing::HasSubstr;
using Arguments = std::array<std::uint64_t, 6>;

bool holds(const ArgumentTest& test, const Arguments& arguments) {
  const std::uint64_t argument = arguments[test.index] & test.mask;
  switch (test.op) {
    case ArgumentTest::Op::kEqual:
      return argument == test.value;
    case ArgumentTest::Op::kNotEqual:
      return argument != test.value;
    case ArgumentTest::Op::kLess:
      return argument < test.value;
    case ArgumentTest::Op::kLessEqual:
      return argument <= test.value;
    case ArgumentTest::Op::kGreater:
      return argument > test.value;
    case ArgumentTest::Op::kGreaterEqual:
      return argument >= test.value;
  }
  return false;
}

// What the rules say, read row by row: shares no code with the compiler.
class Reference {
 public:
  Reference(const SyscallProfile& profile, Architecture architecture)
      : profile_(profile), x32_exists_(architecture == Architecture::kX8664) {
    for (const SyscallRule& rule : profile.rules) {
      numbers_.push_back(number_on(*find_syscall(rule.name), architecture));
    }
  }
  [[nodiscard]] std::uint32_t verdict(int number, const Arguments& arguments) const {
    if (x32_exists_ && number >= 0x40000000) return SECCOMP_RET_KILL_PROCESS;
    for (std::size_t i = 0; i < numbers_.size(); ++i) {
      const SyscallRule& rule = profile_.rules[i];
      if (number < 0 || numbers_[i] != number) continue;
      if (!std::ranges::all_of(rule.when,
                               [&](const auto& test) { return holds(test, arguments); })) {
        continue;
      }
      if (rule.action == SyscallAction::kAllow) return SECCOMP_RET_ALLOW;
      if (rule.action == SyscallAction::kObserve) return SECCOMP_RET_USER_NOTIF | kObserved;
      if (rule.action == SyscallAction::kKill) return SECCOMP_RET_KILL_PROCESS;
      const std::uint32_t action =
          rule.action == SyscallAction::kNotify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO;
      return action | static_cast<std::uint32_t>(rule.errno_value);
    }
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(profile_.default_errno);
  }

 private:
  const SyscallProfile& profile_;
  bool x32_exists_;
  std::vector<int> numbers_;
};

// Arguments near the constants that the rules compare with; uniform ones would miss them all.
class ArgumentSource {
 public:
  explicit ArgumentSource(const SyscallProfile& profile) {
    std::set<std::uint64_t> values = {0, 1, ~std::uint64_t{0}};
    for (const SyscallRule& rule : profile.rules) {
      for (const ArgumentTest& test : rule.when) {
        values.insert({test.value, test.value + 1, test.value - 1, test.mask, ~test.mask,
                       test.value | std::uint64_t{1} << 32, test.value | ~test.mask});
      }
    }
    interesting_.assign(values.begin(), values.end());
  }
  Arguments next() {
    Arguments arguments;
    for (auto& argument : arguments) {
      const std::uint64_t dice = random_();
      argument = dice % 4 == 0 ? random_() : interesting_[random_() % interesting_.size()];
      if (dice % 16 == 1) argument |= random_() << 32;
    }
    return arguments;
  }

 private:
  std::mt19937_64 random_{20240607};
  std::vector<std::uint64_t> interesting_;
};

SyscallProfile rules_of(std::string_view name) {
  auto rules = builtin_profile_rules(name);
  EXPECT_TRUE(rules) << rules.error().to_string();
  return rules ? *rules : SyscallProfile{};
}

std::size_t compare_all(const SyscallProfile& profile, Architecture architecture) {
  const auto program = compile_profile_for(profile, architecture);
  EXPECT_TRUE(program);
  if (!program) return 0;
  std::set<int> tested;
  for (const SyscallRule& rule : profile.rules) {
    if (!rule.when.empty()) tested.insert(number_on(*find_syscall(rule.name), architecture));
  }
  std::vector<int> numbers = {-1, -2147483647 - 1, 0x40000000, 0x40000001, 0x7fffffff, 0x3fffffff};
  for (int number = 0; number <= 600; ++number) numbers.push_back(number);
  ArgumentSource source(profile);
  const Reference reference(profile, architecture);
  std::size_t cases = 0;
  for (const int number : numbers) {
    const int rounds = tested.contains(number) ? 3000 : 20;
    for (int round = 0; round < rounds; ++round, ++cases) {
      const Arguments arguments = source.next();
      const std::uint32_t verdict = evaluate(*program, audit_arch(architecture), number, arguments);
      const std::uint32_t expected = reference.verdict(number, arguments);
      EXPECT_EQ(verdict, expected)
          << profile.name << ": call " << number << testing::PrintToString(arguments);
      if (verdict != expected) return cases;
    }
  }
  return cases;
}

TEST(SeccompBuiltin, FiltersSayWhatTheirRulesSay) {
  std::size_t cases = 0;
  for (const std::string_view name : builtin_profile_names()) {
    const SyscallProfile profile = rules_of(name);
    cases += compare_all(profile, Architecture::kX8664);
    cases += compare_all(profile, Architecture::kAarch64);
  }
  EXPECT_GT(cases, 100'000U);
  RecordProperty("cases", static_cast<int>(cases));
}

TEST(SeccompBuiltin, ProgramsMadeAtBuildTimeAreThoseOfTheirText) {
  for (const std::string_view name : builtin_profile_names()) {
    const auto program = compile_profile(rules_of(name));
    ASSERT_TRUE(program);
    const auto built = builtin_profile(name)->program;
    EXPECT_EQ(disassemble(*program), disassemble(built)) << name;
  }
}

TEST(SeccompBuiltin, HasTheProfilesThatRuntimesName) {
  for (const char* name :
       {"interpreter", "jit", "native", "compiler", "wasm-host", "wasm-host-net", "jvm"}) {
    EXPECT_NE(builtin_profile(name), nullptr) << name;
  }
  EXPECT_EQ(builtin_profile("nonsense"), nullptr);
}

TEST(SeccompBuiltin, EveryRowHasAReason) {
  for (const std::string_view name : builtin_profile_names()) {
    for (const SyscallRule& rule : rules_of(name).rules) {
      EXPECT_GT(rule.why.size(), 10U) << name << ": " << rule.name;
    }
  }
}

// A call that no row names is denied by chance; this list makes each one a decision.
TEST(SeccompBuiltin, InterpreterDecidesEveryCallOfTheTable) {
  std::set<std::string> decided;
  for (const SyscallRule& rule : rules_of("interpreter").rules) decided.insert(rule.name);
  const std::set<std::string> left_to_default = {
      "file_getattr",     "file_setattr",      "futex_requeue",   "futex_wait",
      "futex_wake",       "get_thread_area",   "set_thread_area", "getxattrat",
      "setxattrat",       "listxattrat",       "removexattrat",   "lsm_get_self_attr",
      "lsm_list_modules", "lsm_set_self_attr", "uprobe",          "uretprobe"};
  for (const SyscallTableRow& row : syscall_table()) {
    EXPECT_NE(decided.contains(std::string(row.name)),
              left_to_default.contains(std::string(row.name)))
        << row.name;
  }
}

TEST(SeccompGolden, DisassembliesAreThoseThatWereReviewed) {
  if (kNativeArchitecture != Architecture::kX8664) GTEST_SKIP() << "needs x86_64";
  for (const std::string_view name : builtin_profile_names()) {
    const std::string path = SANDPIT_SOURCE_DIR "/tests/golden/bpf/" + std::string(name) + ".txt";
    const std::string text = disassemble(builtin_profile(name)->program);
    if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
    std::ifstream file(path);
    const std::string golden(std::istreambuf_iterator<char>(file), {});
    EXPECT_TRUE(text == golden)
        << path << " differs from the filter of profile " << name
        << ".\nIf the change is meant, run this test with UPDATE_GOLDEN=1 and review the diff.";
  }
}

std::uint32_t verdict(const BpfProgram& program, std::string_view name) {
  return evaluate(program, audit_arch(kNativeArchitecture), *syscall_number(name), {});
}

TEST(SeccompFilterFor, PutsTheUsersRowsFirst) {
  const std::vector<std::string> allow = {"ptrace"};
  const std::vector<std::string> deny = {"socket", "write"};
  const auto program = filter_for("interpreter", allow, deny);
  ASSERT_TRUE(program);
  EXPECT_EQ(verdict(*program, "ptrace"), SECCOMP_RET_ALLOW);
  EXPECT_EQ(verdict(*program, "socket"), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(verdict(*program, "write"), SECCOMP_RET_ERRNO | EPERM);
  EXPECT_EQ(verdict(*program, "read"), SECCOMP_RET_ALLOW);
}

TEST(SeccompFilterFor, DenyWinsOverAllow) {
  const std::vector<std::string> both = {"ptrace"};
  const auto program = filter_for("interpreter", both, both);
  ASSERT_TRUE(program);
  EXPECT_EQ(verdict(*program, "ptrace"), SECCOMP_RET_ERRNO | EPERM);
}

TEST(SeccompFilterFor, SuggestsNamesForMistypedOnes) {
  const std::vector<std::string> wrong = {"sokcet"};
  const auto call = filter_for("interpreter", wrong, {});
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().code, ErrorCode::kUsage);
  EXPECT_THAT(call.error().to_string(), HasSubstr("did you mean 'socket'?"));
  const auto profile = filter_for("interpreted", {}, {});
  ASSERT_FALSE(profile);
  EXPECT_EQ(profile.error().code, ErrorCode::kUsage);
  EXPECT_THAT(profile.error().to_string(), HasSubstr("did you mean 'interpreter'?"));
}

}  // namespace
}  // namespace sandpit::sys
