// The two readers of classic BPF: an evaluator and a disassembler.
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <string.h>  // strerrorname_np

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <string>

#include "sys/seccomp_notify.h"
#include "sys/seccomp_profile.h"

namespace sandpit::sys {
namespace {

constexpr std::uint32_t kInvalid = SECCOMP_RET_KILL_PROCESS;

struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> memory{};
};

// False: no such instruction, or one that the kernel refuses in a seccomp filter.
bool step_load_store(Machine& machine, const sock_filter& op, const seccomp_data& data) {
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      if (op.k % 4 != 0 || op.k >= sizeof(data)) return false;
      std::memcpy(&machine.a, reinterpret_cast<const char*>(&data) + op.k, 4);
      return true;
    case BPF_LD | BPF_W | BPF_LEN:
      machine.a = sizeof(data);
      return true;
    case BPF_LDX | BPF_W | BPF_LEN:
      machine.x = sizeof(data);
      return true;
    case BPF_LD | BPF_IMM:
      machine.a = op.k;
      return true;
    case BPF_LDX | BPF_IMM:
      machine.x = op.k;
      return true;
    case BPF_MISC | BPF_TAX:
      machine.x = machine.a;
      return true;
    case BPF_MISC | BPF_TXA:
      machine.a = machine.x;
      return true;
    default:
      break;
  }
  if (op.k >= BPF_MEMWORDS) return false;
  switch (op.code) {
    case BPF_LD | BPF_MEM:
      machine.a = machine.memory[op.k];
      return true;
    case BPF_LDX | BPF_MEM:
      machine.x = machine.memory[op.k];
      return true;
    case BPF_ST:
      machine.memory[op.k] = machine.a;
      return true;
    case BPF_STX:
      machine.memory[op.k] = machine.x;
      return true;
    default:
      return false;
  }
}

bool step_alu(Machine& machine, const sock_filter& op) {
  const std::uint32_t operand = BPF_SRC(op.code) == BPF_X ? machine.x : op.k;
  std::uint32_t& a = machine.a;
  switch (BPF_OP(op.code)) {
    case BPF_ADD:
      a += operand;
      return true;
    case BPF_SUB:
      a -= operand;
      return true;
    case BPF_MUL:
      a *= operand;
      return true;
    case BPF_DIV:
      if (operand == 0) return false;
      a /= operand;
      return true;
    case BPF_AND:
      a &= operand;
      return true;
    case BPF_OR:
      a |= operand;
      return true;
    case BPF_XOR:
      a ^= operand;
      return true;
    case BPF_LSH:
      a <<= operand % 32;
      return true;
    case BPF_RSH:
      a >>= operand % 32;
      return true;
    case BPF_NEG:
      a = 0U - a;
      return true;
    default:
      return false;
  }
}

std::optional<bool> condition(const Machine& machine, const sock_filter& op) {
  const std::uint32_t operand = BPF_SRC(op.code) == BPF_X ? machine.x : op.k;
  switch (BPF_OP(op.code)) {
    case BPF_JEQ:
      return machine.a == operand;
    case BPF_JGE:
      return machine.a >= operand;
    case BPF_JGT:
      return machine.a > operand;
    case BPF_JSET:
      return (machine.a & operand) != 0;
    default:
      return std::nullopt;
  }
}

std::string source_name(std::uint32_t offset) {
  constexpr std::size_t kArguments = offsetof(seccomp_data, args);
  if (offset == offsetof(seccomp_data, nr)) return "nr";
  if (offset == offsetof(seccomp_data, arch)) return "arch";
  if (offset < kArguments) return fmt::format("data[{}]", offset);
  return fmt::format("arg{}.{}", (offset - kArguments) / 8, offset % 8 == 0 ? "low" : "high");
}

std::string verdict_name(std::uint32_t value) {
  switch (value & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return "allow";
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_USER_NOTIF: {
      if (value == (SECCOMP_RET_USER_NOTIF | kObserved)) return "observe";
      if (value == (SECCOMP_RET_USER_NOTIF | kTraced)) return "trace";
      const bool notify = (value & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
      const char* name = ::strerrorname_np(static_cast<int>(value & SECCOMP_RET_DATA));
      return fmt::format("{} {}", notify ? "notify" : "errno", name == nullptr ? "0" : name);
    }
    case SECCOMP_RET_KILL_PROCESS:
      return "kill";
    default:
      return fmt::format("{:#x}", value);
  }
}

std::string instruction_text(const sock_filter& op, std::size_t at) {
  const char* comparison = nullptr;
  switch (op.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return fmt::format("ld {}", source_name(op.k));
    case BPF_ALU | BPF_AND | BPF_K:
      return fmt::format("and #{:#x}", op.k);
    case BPF_RET | BPF_K:
      return fmt::format("ret {}", verdict_name(op.k));
    case BPF_JMP | BPF_JA:
      return fmt::format("ja {:04}", at + 1 + op.k);
    case BPF_JMP | BPF_JEQ | BPF_K:
      comparison = "jeq";
      break;
    case BPF_JMP | BPF_JGE | BPF_K:
      comparison = "jge";
      break;
    case BPF_JMP | BPF_JGT | BPF_K:
      comparison = "jgt";
      break;
    case BPF_JMP | BPF_JSET | BPF_K:
      comparison = "jset";
      break;
    default:
      return fmt::format("op {:#x} jt={} jf={} k={:#x}", op.code, op.jt, op.jf, op.k);
  }
  // Call numbers read best in decimal, flags and requests in hexadecimal.
  const std::string operand = op.k < 1024 ? fmt::format("{}", op.k) : fmt::format("{:#x}", op.k);
  return fmt::format("{} #{}, {:04}, {:04}", comparison, operand, at + 1 + op.jt, at + 1 + op.jf);
}

}  // namespace

std::uint32_t evaluate(std::span<const sock_filter> program, std::uint32_t arch, int number,
                       std::span<const std::uint64_t> arguments) {
  seccomp_data data{};
  data.nr = number;
  data.arch = arch;
  for (std::size_t i = 0; i < arguments.size() && i < std::size(data.args); ++i) {
    data.args[i] = arguments[i];
  }
  Machine machine;
  for (std::size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& op = program[pc];
    switch (BPF_CLASS(op.code)) {
      case BPF_RET:
        return BPF_RVAL(op.code) == BPF_A ? machine.a : op.k;
      case BPF_JMP: {
        if (BPF_OP(op.code) == BPF_JA) {
          pc += op.k;
          break;
        }
        const auto taken = condition(machine, op);
        if (!taken) return kInvalid;
        pc += *taken ? op.jt : op.jf;
        break;
      }
      case BPF_ALU:
        if (!step_alu(machine, op)) return kInvalid;
        break;
      default:
        if (!step_load_store(machine, op, data)) return kInvalid;
    }
  }
  return kInvalid;
}

std::string disassemble(std::span<const sock_filter> program) {
  std::string text;
  for (std::size_t at = 0; at < program.size(); ++at) {
    text += fmt::format("{:04}: {}\n", at, instruction_text(program[at], at));
  }
  return text;
}

}  // namespace sandpit::sys
