// prove(): an attack outside of the jail.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

#include "attest/attempt.h"
#include "attest/scene.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "codec/attack_json.h"

namespace sandpit::attest {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{60};
constexpr std::size_t kMostOutput = 1U << 20U;

std::vector<std::string> command_of(const Attack& attack, const std::string& directory,
                                    const Scene& scene) {
  std::string file = directory + "/" + attack.program;
  std::vector<std::string> command;
  if (file.ends_with(".py")) command = {"python3"};
  if (file.ends_with(".sh")) command = {"bash"};
  if (file.ends_with(".js")) command = {"node"};
  if (file.ends_with(".c")) file.resize(file.size() - 2);
  command.push_back(file);
  for (const std::string& word : attack.prove_args.empty() ? attack.args : attack.prove_args)
    command.push_back(scene.filled_in(word));
  return command;
}

// In the child of a fork.
[[noreturn]] void execute(const std::vector<std::string>& command, const std::string& directory,
                          int output) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  // NOLINTNEXTLINE(*-const-cast): execvp(3) takes it so, and changes nothing
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  (void)::setpgid(0, 0);
  const int input = ::open("/dev/null", O_RDONLY);
  constexpr rlimit kNoCore{.rlim_cur = 0, .rlim_max = 0};
  if (input < 0 || ::chdir(directory.c_str()) < 0 || ::dup2(input, STDIN_FILENO) < 0 ||
      ::dup2(output, STDOUT_FILENO) < 0 || ::dup2(output, STDERR_FILENO) < 0 ||
      ::setrlimit(RLIMIT_CORE, &kNoCore) < 0) {
    ::_exit(127);
  }
  sigset_t none;
  (void)::sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(words[0], words.data());
  ::_exit(127);
}

std::string read_until_the_end(const UniqueFd& from) {
  const auto deadline = Clock::now() + kPatience;
  std::string text;
  while (text.size() < kMostOutput) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd ready{.fd = from.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(from.get(), buffer.data(), buffer.size());
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

Result<bool> prove(const Attack& attack, const std::string& directory, Scene& scene) {
  SP_TRY(const std::string place, scene.new_outside());
  const std::vector<std::string> command = command_of(attack, directory, scene);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return fail(errno_error("pipe2", errno));
  const UniqueFd from(ends[0]);
  UniqueFd into(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error("fork", errno));
  if (child == 0) execute(command, place, into.get());
  into.reset();
  const std::string said = read_until_the_end(from);
  (void)::kill(-child, SIGKILL);
  (void)::kill(child, SIGKILL);
  (void)::waitpid(child, nullptr, 0);
  SP_TRY_VOID(scene.renew());
  return said.starts_with("ESCAPED") || said.find("\nESCAPED") != std::string::npos;
}

}  // namespace sandpit::attest
