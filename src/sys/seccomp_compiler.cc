// Rules to BPF. The program is written backwards, from its returns to its first instruction, so
// that the target of every jump is known when the jump is written. A conditional jump reaches 255
// instructions (linux/filter.h: jt and jf are bytes); what is further away gets a trampoline.
#include <fmt/format.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sandpit/error.h"
#include "sys/seccomp_notify.h"
#include "sys/seccomp_profile.h"
#include "sys/syscall_names.h"

namespace sandpit::sys {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;
constexpr std::uint32_t kNegative = 0x80000000;
constexpr std::size_t kMaximumJump = 255;
constexpr unsigned kArgumentCount = 6;

// What a register A holds: a word of seccomp_data, masked.
struct Loaded {
  std::uint32_t offset = 0;
  std::uint32_t mask = ~0U;
  bool operator==(const Loaded&) const = default;
};

// Counted from the end of the program: it stays valid while instructions are put in front.
using Label = std::size_t;

class Writer {
 public:
  Label ret(std::uint32_t value) {
    const auto [found, is_new] = returns_.try_emplace(value, 0);
    if (is_new) found->second = push(BPF_STMT(BPF_RET | BPF_K, value));
    return found->second;
  }

  // Jumps over values that A holds already; `loaded` says what A holds here.
  Label jump(std::uint16_t comparison, std::uint32_t k, Label yes, Label no, Loaded loaded) {
    yes = skip_load(yes, loaded);
    no = skip_load(no, loaded);
    if (yes == no) return yes;
    // The trampoline of one target pushes the other one further away, hence the loop.
    while (distance(yes) > kMaximumJump || distance(no) > kMaximumJump) {
      Label& far = distance(yes) > kMaximumJump ? yes : no;
      far = trampoline(far);
    }
    const auto jt = static_cast<std::uint8_t>(distance(yes));
    const auto jf = static_cast<std::uint8_t>(distance(no));
    const auto code = static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K);
    return push(BPF_JUMP(code, k, jt, jf));
  }

  // Loads a word, masks it, and goes on at `next`.
  Label load(Loaded what, Label next) {
    Label at = fall_through(next);
    const Label after = at;
    if (what.mask != ~0U) (void)push(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, what.mask));
    at = push(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, what.offset));
    loads_[at] = {what, after};
    return at;
  }

  [[nodiscard]] BpfProgram finish() const { return {reversed_.rbegin(), reversed_.rend()}; }

 private:
  Label push(sock_filter op) {
    reversed_.push_back(op);
    return reversed_.size() - 1;
  }
  [[nodiscard]] std::size_t distance(Label to) const { return reversed_.size() - to - 1; }

  Label fall_through(Label next) { return distance(next) == 0 ? next : trampoline(next); }

  Label trampoline(Label to) {
    const sock_filter target = reversed_[to];
    if (BPF_CLASS(target.code) != BPF_RET) {
      return push(BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance(to))));
    }
    // A second return costs as much as a jump and is nearer for those who come later.
    return returns_[target.k] = push(target);
  }

  [[nodiscard]] Label skip_load(Label to, Loaded loaded) const {
    const auto found = loads_.find(to);
    return found != loads_.end() && found->second.first == loaded ? found->second.second : to;
  }

  std::vector<sock_filter> reversed_;
  std::map<std::uint32_t, Label> returns_;
  std::map<Label, std::pair<Loaded, Label>> loads_;
};

std::uint32_t verdict_of(const SyscallRule& rule) {
  switch (rule.action) {
    case SyscallAction::kAllow:
      return SECCOMP_RET_ALLOW;
    case SyscallAction::kKill:
      return SECCOMP_RET_KILL_PROCESS;
    case SyscallAction::kObserve:
      return SECCOMP_RET_USER_NOTIF | kObserved;
    case SyscallAction::kTrace:
      return SECCOMP_RET_USER_NOTIF | kTraced;
    case SyscallAction::kErrno:
    case SyscallAction::kNotify:
      break;
  }
  // The kernel makes nothing of the data of a notification: it is for us (seccomp_notify.h).
  const std::uint32_t action =
      rule.action == SyscallAction::kNotify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ERRNO;
  return action | (static_cast<std::uint32_t>(rule.errno_value) & SECCOMP_RET_DATA);
}

// One 32-bit comparison of a half of an argument; comparisons with constants are folded.
class Half {
 public:
  Half(Writer& writer, unsigned index, bool high, std::uint64_t mask, std::uint64_t value)
      : writer_(writer),
        loaded_{static_cast<std::uint32_t>(offsetof(seccomp_data, args) + std::size_t{index} * 8 +
                                           (high ? 4 : 0)),
                static_cast<std::uint32_t>(high ? mask >> 32 : mask)},
        value_(static_cast<std::uint32_t>(high ? value >> 32 : value)) {}

  Label equal(Label yes, Label no) {
    if ((value_ & ~loaded_.mask) != 0) return no;
    if (loaded_.mask == 0) return yes;
    if (loaded_.mask != ~0U && value_ == 0) return test_bits(no, yes);
    return compare(BPF_JEQ, yes, no);
  }
  Label greater_equal(Label yes, Label no) {
    if (value_ == 0) return yes;
    return value_ > loaded_.mask ? no : compare(BPF_JGE, yes, no);
  }
  Label greater(Label yes, Label no) {
    return value_ >= loaded_.mask ? no : compare(BPF_JGT, yes, no);
  }

 private:
  Label compare(std::uint16_t comparison, Label yes, Label no) {
    const Label at = writer_.jump(comparison, value_, yes, no, loaded_);
    return at == yes || at == no ? at : writer_.load(loaded_, at);
  }
  // Bit tests leave A unmasked, which lets the next test of the same word use it as it is.
  Label test_bits(Label any, Label none) {
    const Loaded whole{loaded_.offset, ~0U};
    const Label at = writer_.jump(BPF_JSET, loaded_.mask, any, none, whole);
    return at == any || at == none ? at : writer_.load(whole, at);
  }

  Writer& writer_;
  Loaded loaded_;
  std::uint32_t value_;
};

Label write_test(Writer& writer, const ArgumentTest& test, Label yes, Label no) {
  using Op = ArgumentTest::Op;
  Half high(writer, test.index, true, test.mask, test.value);
  Half low(writer, test.index, false, test.mask, test.value);
  switch (test.op) {
    case Op::kNotEqual:
    case Op::kLess:
    case Op::kLessEqual:
      std::swap(yes, no);
      break;
    case Op::kEqual:
    case Op::kGreater:
    case Op::kGreaterEqual:
      break;
  }
  switch (test.op) {
    case Op::kEqual:
    case Op::kNotEqual: {
      const Label rest = low.equal(yes, no);
      return high.equal(rest, no);
    }
    case Op::kGreater:
    case Op::kLessEqual: {
      const Label tie = high.equal(low.greater(yes, no), no);
      return high.greater(yes, tie);
    }
    case Op::kGreaterEqual:
    case Op::kLess: {
      const Label tie = high.equal(low.greater_equal(yes, no), no);
      return high.greater(yes, tie);
    }
  }
  return no;
}

// The rows of one call, without what does not change the verdict (its reason and name).
struct Leaf {
  struct Row {
    std::uint32_t verdict = 0;
    std::vector<ArgumentTest> when;
  };
  std::vector<Row> rows;
};

bool same_test(const ArgumentTest& a, const ArgumentTest& b) {
  return std::tie(a.index, a.mask, a.op, a.value) == std::tie(b.index, b.mask, b.op, b.value);
}
bool same_leaf(const Leaf& a, const Leaf& b) {
  return std::ranges::equal(a.rows, b.rows, [](const Leaf::Row& x, const Leaf::Row& y) {
    return x.verdict == y.verdict && std::ranges::equal(x.when, y.when, same_test);
  });
}

struct Range {
  std::uint32_t first = 0;  // up to the next range's first
  Leaf leaf;
};

// Drops rows behind one without tests, and trailing rows that say what the next unconditional says.
void simplify(Leaf& leaf, std::uint32_t default_verdict) {
  auto last =
      std::ranges::find_if(leaf.rows, [](const Leaf::Row& row) { return row.when.empty(); });
  if (last == leaf.rows.end()) {
    leaf.rows.push_back({default_verdict, {}});
  } else {
    leaf.rows.erase(last + 1, leaf.rows.end());
  }
  while (leaf.rows.size() > 1 &&
         leaf.rows[leaf.rows.size() - 2].verdict == leaf.rows.back().verdict) {
    leaf.rows.erase(leaf.rows.end() - 2);
  }
}

std::vector<Range> make_ranges(const std::map<std::uint32_t, Leaf>& calls, const Leaf& otherwise) {
  std::vector<Range> ranges;
  const auto append = [&ranges](std::uint32_t first, const Leaf& leaf) {
    if (ranges.empty() || !same_leaf(ranges.back().leaf, leaf)) ranges.push_back({first, leaf});
  };
  std::uint32_t next = 0;
  for (const auto& [number, leaf] : calls) {
    if (number > next) append(next, otherwise);
    append(number, leaf);
    next = number + 1;
  }
  append(next, otherwise);
  return ranges;
}

class TreeWriter {
 public:
  explicit TreeWriter(Writer& writer) : writer_(writer) {}

  Label write(std::span<const Range> ranges) {
    if (ranges.size() == 1) return write_leaf(ranges.front().leaf);
    const std::size_t middle = ranges.size() / 2;
    const Label right = write(ranges.subspan(middle));
    const Label left = write(ranges.first(middle));
    return writer_.jump(BPF_JGE, ranges[middle].first, right, left,
                        {offsetof(seccomp_data, nr), ~0U});
  }

 private:
  Label write_leaf(const Leaf& leaf) {
    if (leaf.rows.size() == 1) return writer_.ret(leaf.rows.front().verdict);
    for (const auto& [known, label] : leaves_) {
      if (same_leaf(known, leaf)) return label;
    }
    Label next = writer_.ret(leaf.rows.back().verdict);
    for (std::size_t i = leaf.rows.size() - 1; i-- > 0;) {
      const Leaf::Row& row = leaf.rows[i];
      Label yes = writer_.ret(row.verdict);
      for (std::size_t t = row.when.size(); t-- > 0;) {
        yes = write_test(writer_, row.when[t], yes, next);
      }
      next = yes;
    }
    leaves_.emplace_back(leaf, next);
    return next;
  }

  Writer& writer_;
  std::vector<std::pair<Leaf, Label>> leaves_;
};

Result<void> check(const SyscallProfile& profile, const SyscallRule& rule) {
  const auto bad = [&](std::string message, std::string hint) {
    return fail(Error{.code = ErrorCode::kUsage,
                      .message = std::move(message),
                      .where = fmt::format("profile {}, rule {}", profile.name, rule.name),
                      .hint = std::move(hint)});
  };
  if (find_syscall(rule.name) == nullptr) {
    const std::string nearest = nearest_syscall(rule.name);
    return bad(fmt::format("unknown system call '{}'", rule.name),
               nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
  }
  if (rule.errno_value < 0 || rule.errno_value > 4095) {
    return bad(fmt::format("errno {} is not between 0 and 4095", rule.errno_value), "");
  }
  for (const ArgumentTest& test : rule.when) {
    if (test.index >= kArgumentCount) {
      return bad(fmt::format("a system call has no argument {}", test.index), "0 to 5");
    }
  }
  return {};
}

}  // namespace

Result<BpfProgram> compile_profile_for(const SyscallProfile& profile, Architecture architecture) {
  const std::uint32_t default_verdict =
      SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(profile.default_errno) & SECCOMP_RET_DATA);
  std::map<std::uint32_t, Leaf> calls;
  for (const SyscallRule& rule : profile.rules) {
    SP_TRY_VOID(check(profile, rule));
    const int number = number_on(*find_syscall(rule.name), architecture);
    if (number < 0) continue;
    calls[static_cast<std::uint32_t>(number)].rows.push_back({verdict_of(rule), rule.when});
  }
  for (auto& [number, leaf] : calls) simplify(leaf, default_verdict);
  const Leaf otherwise{{{default_verdict, {}}}};

  Writer writer;
  constexpr Loaded kNumber{offsetof(seccomp_data, nr), ~0U};
  Label start = TreeWriter(writer).write(make_ranges(calls, otherwise));
  const Label kill = writer.ret(SECCOMP_RET_KILL_PROCESS);
  if (architecture == Architecture::kX8664) {
    // Negative numbers have bit 30 set too, but the kernel knows them as no call: not x32's.
    const Label x32 = writer.jump(BPF_JGE, kNegative, writer.ret(default_verdict), kill, kNumber);
    start = writer.jump(BPF_JGE, kX32Bit, x32, start, kNumber);
  }
  start = writer.load(kNumber, start);
  constexpr Loaded kArch{offsetof(seccomp_data, arch), ~0U};
  start = writer.jump(BPF_JEQ, audit_arch(architecture), start, kill, kArch);
  (void)writer.load(kArch, start);
  BpfProgram program = writer.finish();
  if (program.size() > BPF_MAXINSNS) {
    return fail(Error{.code = ErrorCode::kUsage,
                      .message = fmt::format("the filter has {} instructions, the kernel takes {}",
                                             program.size(), BPF_MAXINSNS),
                      .where = fmt::format("profile {}", profile.name),
                      .hint = "use fewer argument tests"});
  }
  return program;
}

Result<BpfProgram> compile_profile(const SyscallProfile& profile) {
  return compile_profile_for(profile, kNativeArchitecture);
}

}  // namespace sandpit::sys
