// The library in host programs with settings of their own, and after violent ends: nothing may be
// stolen, lost or left behind.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "sandbox_fixture.h"

namespace sandpit {
namespace {

using test::eventually;
using test::in_a_host_process;
using test::MarkedSandbox;
using test::shell;
using ::testing::IsEmpty;

std::string mismatch(Sandbox& sandbox) {
  for (int i = 0; i < 5; ++i) {
    const auto outcome = sandbox.run(shell("echo hello; exit 7"));
    if (!outcome) return outcome.error().to_string();
    if (outcome->stdout_text != "hello\n" || outcome->exit_code != 7 ||
        outcome->status != Status::kExited) {
      return fmt::format("status {} code {} text {} message {}", to_string(outcome->status),
                         outcome->exit_code, outcome->stdout_text, outcome->message);
    }
  }
  return {};
}

std::string mismatch_of_a_new_sandbox() {
  auto sandbox = Sandbox::create(test::test_config());
  return sandbox ? mismatch(*sandbox) : sandbox.error().to_string();
}

TEST(SandboxHost, MayIgnoreSigchld) {
  EXPECT_EQ(in_a_host_process([] {
              ::signal(SIGCHLD, SIG_IGN);
              return mismatch_of_a_new_sandbox();
            }),
            "");
}

volatile sig_atomic_t child_signals = 0;

TEST(SandboxHost, HearsOfNoChildOfOurs) {
  EXPECT_EQ(in_a_host_process([]() -> std::string {
              struct sigaction action{};
              action.sa_handler = [](int) { child_signals = child_signals + 1; };
              ::sigaction(SIGCHLD, &action, nullptr);
              std::string wrong = mismatch_of_a_new_sandbox();
              if (!wrong.empty()) return wrong;
              if (child_signals != 0)
                return fmt::format("{} SIGCHLD", static_cast<int>(child_signals));
              return {};
            }),
            "");
}

// The launcher goes before what it runs, where it may, and what it runs is as nice as the host.
// Of a host with this nice value; what is wrong, or nothing.
std::string wrong_nice_values(int host, int wanted_launcher) {
  return in_a_host_process([&]() -> std::string {
    if (::setpriority(PRIO_PROCESS, 0, host) < 0) return "setpriority";
    MarkedSandbox marked;
    if (!marked.valid()) return marked.error();
    const auto outcome = marked->run(test::python("import os; print(os.nice(0))"));
    if (!outcome) return outcome.error().to_string();
    if (outcome->stdout_text != fmt::format("{}\n", host))
      return fmt::format("the run: {}{}", outcome->stdout_text, outcome->message);
    const int launcher = ::getpriority(PRIO_PROCESS, marked.launcher());
    if (launcher != wanted_launcher) return fmt::format("the launcher: {}", launcher);
    return {};
  });
}

TEST(SandboxHost, HasARunAsNiceAsItselfWhateverTheLauncherIs) {
  EXPECT_EQ(wrong_nice_values(3, ::geteuid() == 0 ? -10 : 3), "");
  if (::geteuid() == 0) {
    EXPECT_EQ(wrong_nice_values(-15, -15), "");
  }
}

TEST(SandboxHost, FindsNoChildOfOursWhenItWaits) {
  EXPECT_EQ(in_a_host_process([]() -> std::string {
              auto sandbox = Sandbox::create(test::test_config());
              if (!sandbox) return sandbox.error().to_string();
              std::string wrong = mismatch(*sandbox);
              if (!wrong.empty()) return wrong;
              auto running = sandbox->start(shell("sleep 100"));
              if (!running) return running.error().to_string();
              for (const int options : {WNOHANG, static_cast<int>(WNOHANG | __WALL),
                                        static_cast<int>(WNOHANG | __WCLONE)}) {
                errno = 0;
                const pid_t pid = ::waitpid(-1, nullptr, options);
                if (pid != -1 || errno != ECHILD)
                  return fmt::format("waitpid gave {} errno {}", pid, errno);
              }
              return {};
            }),
            "");
}

TEST(SandboxHost, MayBlockEverySignal) {
  EXPECT_EQ(in_a_host_process([]() -> std::string {
              sigset_t all;
              ::sigfillset(&all);
              ::sigprocmask(SIG_SETMASK, &all, nullptr);
              std::string wrong = mismatch_of_a_new_sandbox();
              if (!wrong.empty()) return wrong;
              // Nor may the program inherit the mask: it ends itself with SIGTERM.
              auto sandbox = Sandbox::create(test::test_config());
              if (!sandbox) return sandbox.error().to_string();
              const auto outcome = sandbox->run(shell("kill -TERM $$; sleep 100"));
              if (!outcome || outcome->signal != SIGTERM)
                return "the program did not get its signal";
              sigset_t now;
              ::sigprocmask(SIG_SETMASK, nullptr, &now);
              for (const int signal : {SIGTERM, SIGCHLD, SIGUSR1}) {
                if (::sigismember(&now, signal) != 1) return "the mask was changed";
              }
              return {};
            }),
            "");
}

TEST(SandboxHost, MayIgnoreEverySignalAndHandThemToNoProgram) {
  EXPECT_EQ(in_a_host_process([]() -> std::string {
              for (int signal = 1; signal < 65; ++signal) {
                if (signal != SIGKILL && signal != SIGSTOP) (void)::signal(signal, SIG_IGN);
              }
              auto sandbox = Sandbox::create(test::test_config());
              if (!sandbox) return sandbox.error().to_string();
              const auto outcome = sandbox->run(shell("grep SigIgn /proc/self/status"));
              if (!outcome) return outcome.error().to_string();
              return outcome->stdout_text == "SigIgn:\t0000000000000000\n" ? ""
                                                                           : outcome->stdout_text;
            }),
            "");
}

TEST(SandboxHost, MayHaveClosedItsStandardStreams) {
  EXPECT_EQ(in_a_host_process([] {
              for (const int fd : {0, 1, 2}) ::close(fd);
              return mismatch_of_a_new_sandbox();
            }),
            "");
}

TEST(SandboxHost, MayHaveAUmaskThatForbidsEverything) {
  EXPECT_EQ(in_a_host_process([] {
              ::umask(0777);
              return mismatch_of_a_new_sandbox();
            }),
            "");
}

TEST(SandboxHost, MayUseTheSandboxFromAThreadThatEnds) {
  // PDEATHSIG would fire with the thread that cloned.
  EXPECT_EQ(in_a_host_process([]() -> std::string {
              std::optional<Sandbox> sandbox;
              std::optional<sandpit::Run> running;
              std::string wrong;
              std::thread maker([&] {
                auto made = Sandbox::create(test::test_config());
                if (!made) {
                  wrong = made.error().to_string();
                  return;
                }
                sandbox.emplace(std::move(*made));
                Request request = shell("read -r x; echo \"$x\"");
                request.input = StdinStream{};
                auto started = sandbox->start(request);
                if (started) running.emplace(std::move(*started));
              });
              maker.join();
              if (!wrong.empty() || !running) return wrong + " not started";
              std::this_thread::sleep_for(std::chrono::milliseconds(200));
              if (!running->write_stdin("alive\n")) return "the run ended with its thread";
              const auto outcome = running->wait();
              if (!outcome || outcome->stdout_text != "alive\n")
                return "the run ended with its thread";
              return mismatch(*sandbox);
            }),
            "");
}

TEST(SandboxHost, ForkedCopiesOfTheHostDoNotKeepTheLauncherAlive) {
  MarkedSandbox sandbox;
  ASSERT_TRUE(sandbox.valid()) << sandbox.error();
  const pid_t copy = ::fork();
  if (copy == 0) {
    ::sleep(60);
    ::_exit(0);
  }
  sandbox.destroy();
  EXPECT_TRUE(eventually([&] { return sandbox.launcher() == 0; }, std::chrono::seconds(20)));
  ::kill(copy, SIGKILL);
  ::waitpid(copy, nullptr, 0);
}

// ---- violent ends

TEST(SandboxEnds, DestroyingTheSandboxEndsItsLauncherAndLeavesNothing) {
  const test::HostState before = test::host_state();
  MarkedSandbox sandbox;
  ASSERT_TRUE(sandbox.valid()) << sandbox.error();
  EXPECT_NE(sandbox.launcher(), 0);
  ASSERT_TRUE(sandbox->run(shell("true")));
  sandbox.destroy();
  EXPECT_TRUE(eventually([&] { return sandbox.launcher() == 0; }));
  EXPECT_TRUE(eventually([&] { return test::new_cgroups(before).empty(); }));
  const test::HostState after = test::host_state();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.children, before.children);
}

std::vector<std::string> tree_of(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path();
    // Slot files are numbers that stay; the lock in them is what counts.
    if (name.find("/slots/") == std::string::npos) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

TEST(SandboxEnds, AHostKilledWithSigkillLeavesNothing) {
  const test::HostState before = test::host_state();
  const auto state_before = tree_of("/run/sandpit");
  const std::string word = test::unique_word();
  ::setenv("SANDPIT_TEST_MARK", word.c_str(), 1);
  const pid_t host = ::fork();
  if (host == 0) {
    // For the program too: it must not outlive a failure of this test.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto sandbox = Sandbox::create(test::test_config());
    if (!sandbox) ::_exit(2);
    auto first =
        sandbox->start(shell("(exec -a " + word + " sleep 60) & exec -a " + word + " sleep 60"));
    auto second = sandbox->start(
        shell("trap '' TERM HUP INT; echo x > /tmp/f; exec -a " + word + " sleep 60"));
    if (!first || !second) ::_exit(3);
    ::sleep(60);
    ::_exit(4);
  }
  ::unsetenv("SANDPIT_TEST_MARK");
  const auto sleepers = [&] { return test::processes_with("cmdline", word).size(); };
  const auto launcher = [&] { return test::launchers_with(word).size(); };
  ASSERT_TRUE(eventually([&] { return sleepers() >= 3; })) << sleepers();
  ASSERT_EQ(launcher(), 1U);
  ::kill(host, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(host, &status, 0), host);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the host ended by itself: " << status;
  EXPECT_TRUE(eventually([&] { return sleepers() == 0; }, std::chrono::seconds(10)));
  EXPECT_TRUE(eventually([&] { return launcher() == 0; }, std::chrono::seconds(10)));
  EXPECT_TRUE(
      eventually([&] { return test::new_cgroups(before).empty(); }, std::chrono::seconds(10)))
      << ::testing::PrintToString(test::new_cgroups(before));
  EXPECT_EQ(test::host_state().mounts, before.mounts);
  EXPECT_TRUE(eventually([&] { return tree_of("/run/sandpit") == state_before; },
                         std::chrono::seconds(10)));
}

TEST(SandboxEnds, ALauncherKilledWithSigkillIsAnErrorAndItsProgramsEnd) {
  const test::HostState before = test::host_state();
  const std::string word = test::unique_word();
  MarkedSandbox sandbox;
  ASSERT_TRUE(sandbox.valid()) << sandbox.error();
  auto running =
      sandbox->start(shell("(exec -a " + word + " sleep 60) & exec -a " + word + " sleep 60"));
  ASSERT_TRUE(running) << running.error().to_string();
  ASSERT_TRUE(eventually([&] { return test::processes_with("cmdline", word).size() >= 2; }));
  const pid_t launcher = sandbox.launcher();
  ASSERT_NE(launcher, 0);
  ASSERT_EQ(::kill(launcher, SIGKILL), 0);
  const auto outcome = running->wait();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kSandbox) << outcome.error().to_string();
  EXPECT_THAT(outcome.error().message, ::testing::HasSubstr("launcher"));
  EXPECT_TRUE(eventually([&] { return test::processes_with("cmdline", word).empty(); }));
  const auto next = sandbox->run(shell("true"));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kSandbox);
  // Nobody was left to remove the groups: the next sandbox's runs do.
  EXPECT_TRUE(eventually([&] {
    MarkedSandbox later;
    if (!later.valid()) return false;
    for (int i = 0; i < 3; ++i) (void)later->run(shell("true"));
    later.destroy();
    return test::new_cgroups(before).empty();
  })) << ::testing::PrintToString(test::new_cgroups(before));
}

TEST(SandboxEnds, ThreeHundredRunsLeaveNothingBehind) {
  MarkedSandbox sandbox;
  ASSERT_TRUE(sandbox.valid()) << sandbox.error();
  Request streaming = shell("cat");
  streaming.input = StdinBytes{"x"};
  const auto some = [&](int count) {
    for (int i = 0; i < count; ++i) {
      if (i % 3 == 0) {
        auto running = sandbox->start(streaming, [](OutputStream, std::string_view) {});
        ASSERT_TRUE(running);
        if (i % 2 == 0) running->cancel();
        ASSERT_TRUE(running->wait());
      } else {
        const auto outcome = sandbox->run(shell(i % 5 == 0 ? "kill -9 $$" : "true"));
        ASSERT_TRUE(outcome) << outcome.error().to_string();
      }
    }
  };
  some(30);  // pools fill
  const pid_t launcher = sandbox.launcher();
  ASSERT_NE(launcher, 0);
  const auto mounts = [&] {
    return test::slurp(fmt::format("/proc/{}/mountinfo", launcher)).size();
  };
  const auto children = [&] {
    return test::slurp(fmt::format("/proc/{}/task/{}/children", launcher, launcher));
  };
  const test::HostState before = test::host_state();
  const std::size_t launcher_before = test::descriptors_of(launcher);
  const std::size_t mounts_before = mounts();
  some(300);
  // The pools may still have grown by a part or two (a dozen descriptors each) when a run began
  // before the last one's were back. The rarest kind of run happens fifty times: one descriptor of
  // it lost each time shows.
  constexpr std::size_t kPoolParts = 30;
  EXPECT_TRUE(eventually([&] {
    return test::descriptors_of(launcher) <= launcher_before + kPoolParts;
  })) << test::descriptors_of(launcher)
      << " descriptors of the launcher instead of " << launcher_before;
  EXPECT_EQ(mounts(), mounts_before);
  EXPECT_TRUE(eventually([&] { return children().empty(); })) << children();
  const test::HostState after = test::host_state();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.mounts, before.mounts);
  EXPECT_EQ(after.children, before.children);
  EXPECT_THAT(test::new_cgroups(before), IsEmpty());
}

}  // namespace
}  // namespace sandpit
