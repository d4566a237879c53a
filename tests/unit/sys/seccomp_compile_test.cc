// The compiler: every comparison, the tree, long jumps, errors; and the loader of profile files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <map>

#include "sys/seccomp_profile.h"

namespace sandpit::sys {
namespace {

using ::testing::HasSubstr;
using Op = ArgumentTest::Op;

constexpr std::uint32_t kErrnoNosys = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t kErrnoPerm = SECCOMP_RET_ERRNO | EPERM;

BpfProgram compile_x86(const SyscallProfile& profile) {
  auto program = compile_profile_for(profile, Architecture::kX8664);
  EXPECT_TRUE(program) << program.error().to_string();
  return program ? *program : BpfProgram{};
}

std::uint32_t run_x86(const BpfProgram& program, int number, std::vector<std::uint64_t> args = {}) {
  return evaluate(program, AUDIT_ARCH_X86_64, number, args);
}

SyscallProfile one_test(ArgumentTest test) {
  return {.name = "t", .rules = {{.name = "ioctl", .when = {test}}}};
}

Result<SyscallProfile> load_text(std::string_view text) {
  return load_profile("t", [&](std::string_view) { return std::optional(text); });
}

constexpr int kIoctl = 16;

TEST(SeccompCompiler, KillsForeignArchitectures) {
  const BpfProgram program = compile_x86({.name = "t", .rules = {{.name = "read"}}});
  EXPECT_EQ(evaluate(program, AUDIT_ARCH_I386, 0, {}), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(evaluate(program, AUDIT_ARCH_AARCH64, 0, {}), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(run_x86(program, 0), SECCOMP_RET_ALLOW);
}

TEST(SeccompCompiler, KillsX32NumbersButNotNegativeOnes) {
  const BpfProgram program = compile_x86({.name = "t", .rules = {{.name = "read"}}});
  EXPECT_EQ(run_x86(program, 0x40000000), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(run_x86(program, 0x40000000 + 520), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(run_x86(program, 0x3fffffff), kErrnoNosys);
  EXPECT_EQ(run_x86(program, -1), kErrnoNosys);
}

TEST(SeccompCompiler, UnknownNumbersGetTheDefaultErrno) {
  const BpfProgram program =
      compile_x86({.name = "t", .default_errno = EINVAL, .rules = {{.name = "read"}}});
  EXPECT_EQ(run_x86(program, 599), SECCOMP_RET_ERRNO | EINVAL);
}

TEST(SeccompCompiler, ComparesBothHalvesOfAnArgument) {
  constexpr std::uint64_t kPivots[] = {
      0, 1, 0x5412, 0xffffffff, 0x100000000, 0x100005412, 0xfffffffffffffffe, ~std::uint64_t{0}};
  constexpr std::uint64_t kMasks[] = {~std::uint64_t{0}, 0xffffffff, 0xffffffff00000000, 0xf000, 0,
                                      0x10000000f};
  for (const Op op :
       {Op::kEqual, Op::kNotEqual, Op::kLess, Op::kLessEqual, Op::kGreater, Op::kGreaterEqual}) {
    for (const std::uint64_t mask : kMasks) {
      for (const std::uint64_t value : kPivots) {
        const BpfProgram program = compile_x86(one_test({1, mask, op, value}));
        for (const std::uint64_t pivot : kPivots) {
          for (const std::uint64_t argument : {pivot - 1, pivot, pivot + 1}) {
            const std::uint64_t masked = argument & mask;
            const std::map<Op, bool> expected = {
                {Op::kEqual, masked == value},  {Op::kNotEqual, masked != value},
                {Op::kLess, masked < value},    {Op::kLessEqual, masked <= value},
                {Op::kGreater, masked > value}, {Op::kGreaterEqual, masked >= value}};
            ASSERT_EQ(run_x86(program, kIoctl, {0, argument}),
                      expected.at(op) ? SECCOMP_RET_ALLOW : kErrnoNosys)
                << "op " << static_cast<int>(op) << " mask " << mask << " value " << value
                << " argument " << argument;
          }
        }
      }
    }
  }
}

TEST(SeccompCompiler, SeveralTestsOnOneArgumentMustAllHold) {
  const BpfProgram program =
      compile_x86({.name = "t",
                   .rules = {{.name = "ioctl",
                              .when = {{.index = 1, .op = Op::kGreaterEqual, .value = 10},
                                       {.index = 1, .op = Op::kLess, .value = 20},
                                       {.index = 1, .mask = 1, .value = 1}}}}});
  EXPECT_EQ(run_x86(program, kIoctl, {0, 11}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(run_x86(program, kIoctl, {0, 12}), kErrnoNosys);
  EXPECT_EQ(run_x86(program, kIoctl, {0, 9}), kErrnoNosys);
  EXPECT_EQ(run_x86(program, kIoctl, {0, 21}), kErrnoNosys);
}

TEST(SeccompCompiler, TheFirstRowThatHoldsDecides) {
  const BpfProgram program = compile_x86(
      {.name = "t",
       .rules = {
           {.name = "ioctl", .action = SyscallAction::kErrno, .when = {{1, ~0U, Op::kEqual, 5}}},
           {.name = "ioctl", .action = SyscallAction::kKill, .when = {{1, ~0U, Op::kLess, 9}}},
           {.name = "ioctl"}}});
  EXPECT_EQ(run_x86(program, kIoctl, {0, 5}), kErrnoPerm);
  EXPECT_EQ(run_x86(program, kIoctl, {0, 6}), SECCOMP_RET_KILL_PROCESS);
  EXPECT_EQ(run_x86(program, kIoctl, {0, 9}), SECCOMP_RET_ALLOW);
}

// Every call with a program of its own: far more than 255 instructions between the ends of the
// tree.
TEST(SeccompCompiler, JumpsFurtherThan255Instructions) {
  SyscallProfile profile{.name = "t", .rules = {}};
  for (const SyscallTableRow& row : syscall_table()) {
    if (row.x86_64 < 0) continue;
    const auto number = static_cast<std::uint64_t>(row.x86_64);
    profile.rules.push_back({.name = std::string(row.name),
                             .when = {{2, ~std::uint64_t{0}, Op::kEqual, number << 32 | number},
                                      {3, 0xff, Op::kNotEqual, 7}}});
  }
  const BpfProgram program = compile_x86(profile);
  EXPECT_GT(program.size(), 2000U);
  for (const SyscallTableRow& row : syscall_table()) {
    if (row.x86_64 < 0) continue;
    const auto number = static_cast<std::uint64_t>(row.x86_64);
    const std::uint64_t right = number << 32 | number;
    EXPECT_EQ(run_x86(program, row.x86_64, {0, 0, right, 1}), SECCOMP_RET_ALLOW) << row.name;
    EXPECT_EQ(run_x86(program, row.x86_64, {0, 0, right, 0x107}), kErrnoNosys) << row.name;
    EXPECT_EQ(run_x86(program, row.x86_64, {0, 0, right + 1, 1}), kErrnoNosys) << row.name;
  }
}

TEST(SeccompCompiler, SaysWhichRowIsWrongAndWhatWasMeant) {
  const auto unknown = compile_profile({.name = "p", .rules = {{.name = "ptrcae"}}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kUsage);
  EXPECT_THAT(unknown.error().to_string(), HasSubstr("did you mean 'ptrace'?"));
  EXPECT_THAT(unknown.error().where, HasSubstr("rule ptrcae"));
  const auto index =
      compile_profile({.name = "p", .rules = {{.name = "read", .when = {{.index = 6}}}}});
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code, ErrorCode::kUsage);
}

TEST(SeccompCompiler, SkipsCallsOfAnotherArchitecture) {
  const SyscallProfile profile{.name = "t", .rules = {{.name = "open"}, {.name = "openat"}}};
  const auto program = compile_profile_for(profile, Architecture::kAarch64);
  ASSERT_TRUE(program);
  EXPECT_EQ(evaluate(*program, AUDIT_ARCH_AARCH64, 56, {}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(evaluate(*program, AUDIT_ARCH_AARCH64, 2, {}), kErrnoNosys);
}

TEST(SeccompEvaluator, KillsWhatTheKernelWouldNotLoad) {
  const sock_filter unaligned[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2),
                                   BPF_STMT(BPF_RET | BPF_A, 0)};
  EXPECT_EQ(evaluate(unaligned, 0, 0, {}), SECCOMP_RET_KILL_PROCESS);
  const sock_filter endless[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)};
  EXPECT_EQ(evaluate(endless, 0, 0, {}), SECCOMP_RET_KILL_PROCESS);
}

TEST(SeccompEvaluator, ComputesWithScratchMemoryAndIndexRegister) {
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_IMM, 40),         BPF_STMT(BPF_ST, 3),
      BPF_STMT(BPF_LDX | BPF_IMM, 2),         BPF_STMT(BPF_LD | BPF_MEM, 3),
      BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0)};
  EXPECT_EQ(evaluate(program, 0, 0, {}), 42U);
}

TEST(SeccompSyscalls, KnowsNamesAndNumbers) {
  EXPECT_EQ(syscall_number("cachestat"), 451);
  EXPECT_EQ(syscall_number("nonsense"), std::nullopt);
  EXPECT_EQ(syscall_name(*syscall_number("openat")), "openat");
  EXPECT_EQ(syscall_name(5000), "syscall_5000");
}

TEST(SeccompProfile, ReportsEveryErrorWithItsPlace) {
  const auto profile = load_text(
      "description = \"d\"\n[[group]]\nname = \"g\"\nrules = [\n"
      "  { name = \"raed\", why = \"w\" },\n"
      "  { name = \"read\" },\n"
      "  { name = \"write\", why = \"w\", wen = 1, when = [{ arg = 6, value = \"PROT_EXCE\" }] "
      "},\n]\n");
  ASSERT_FALSE(profile);
  const std::string text = profile.error().to_string();
  EXPECT_THAT(text, HasSubstr("t.toml:5:"));
  EXPECT_THAT(text, HasSubstr("did you mean 'read'?"));
  EXPECT_THAT(text, HasSubstr("'why' is missing"));
  EXPECT_THAT(text, HasSubstr("unknown key 'wen'"));
  EXPECT_THAT(text, HasSubstr("not between 0 and 5"));
  EXPECT_THAT(text, HasSubstr("unknown constant 'PROT_EXCE'"));
}

TEST(SeccompProfile, RefusesRowsThatCanNeverDecide) {
  const auto profile = load_text(
      "description = \"d\"\n[[group]]\nname = \"g\"\nrules = [\n"
      "  { names = [\"read\", \"write\"], why = \"w\" },\n"
      "  { name = \"read\", action = \"kill\", why = \"w\" },\n]\n");
  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().to_string(), HasSubstr("'read' was decided by a row above"));
}

TEST(SeccompProfile, WantsAReasonForWhatWasNotMeasured) {
  constexpr const char* kRows =
      "description = \"d\"\n[[group]]\nname = \"g\"\nrules = []\n[[unmeasured]]\n";
  EXPECT_TRUE(load_text(std::string(kRows) + "names = [\"read\", \"tee\"]\nwhy = \"w\"\n"));
  const auto without = load_text(std::string(kRows) + "names = [\"read\", \"taa\"]\n");
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().to_string(), HasSubstr("'why' is missing"));
  EXPECT_THAT(without.error().to_string(), HasSubstr("unknown system call 'taa'"));
}

TEST(SeccompProfile, RefusesToInheritFromItself) {
  const auto profile = load_text("description = \"d\"\ninherits = \"t\"\n");
  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().to_string(), HasSubstr("inherits from itself"));
}

TEST(SeccompProfile, JoinsConstantsWithABar) {
  EXPECT_EQ(profile_constant("PROT_WRITE|PROT_EXEC"), 6U);
  EXPECT_EQ(profile_constant("PROT_WRITE|NONE"), std::nullopt);
}

}  // namespace
}  // namespace sandpit::sys
