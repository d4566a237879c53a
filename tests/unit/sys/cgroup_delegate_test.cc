#include "sys/cgroup_delegate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace sandpit::sys {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class SystemdDelegation : public testing::Test {
 protected:
  SystemdDelegation() : directory_(testing::TempDir() + "busctl-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(directory_);
  }
  ~SystemdDelegation() override { std::filesystem::remove_all(directory_); }

  void fake_busctl(std::string_view script) const {
    std::ofstream(directory_ + "/busctl") << "#!/bin/sh\n" << script << "\n";
    ::chmod((directory_ + "/busctl").c_str(), 0755);
  }
  [[nodiscard]] Result<void> delegate(Milliseconds timeout) const {
    const std::string_view directory = directory_;
    return delegate_with({&directory, 1}, timeout);
  }
  std::string directory_;
};

TEST_F(SystemdDelegation, AsksForAScopeWithThisProcessAndDelegation) {
  EXPECT_THAT(
      delegation_command("/usr/bin/busctl", SystemdBus::kUser, "sandpit-7.scope", 7),
      ElementsAre("/usr/bin/busctl", "--user", "--quiet", "call", "org.freedesktop.systemd1",
                  "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                  "StartTransientUnit", "ssa(sv)a(sa(sv))", "sandpit-7.scope", "fail", "2", "PIDs",
                  "au", "1", "7", "Delegate", "b", "true", "0"));
}

TEST_F(SystemdDelegation, PassesTheArgumentsWithoutAShell) {
  fake_busctl("for a; do echo \"$a\"; done > " + directory_ + "/seen; exit 1");
  EXPECT_FALSE(delegate(2s));
  std::ifstream seen(directory_ + "/seen");
  std::string all((std::istreambuf_iterator<char>(seen)), {});
  EXPECT_THAT(all, HasSubstr("StartTransientUnit\nssa(sv)a(sa(sv))\nsandpit-"));
  EXPECT_THAT(all, HasSubstr("\nau\n1\n" + std::to_string(::getpid()) + "\n"));
}

TEST_F(SystemdDelegation, ReportsWhatBusctlSays) {
  fake_busctl("echo 'Failed to connect to bus: No medium found' >&2; exit 1");
  const auto result = delegate(2s);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("Failed to connect to bus: No medium found"));
  EXPECT_THAT(result.error().hint, HasSubstr("systemd-run"));
}

TEST_F(SystemdDelegation, GivesUpInTimeWhenTheBusHangs) {
  fake_busctl("exec sleep 30");
  const auto start = std::chrono::steady_clock::now();
  const auto result = delegate(100ms);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("in time"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
}

TEST_F(SystemdDelegation, GivesUpInTimeWhenItIsAcceptedButNothingMoves) {
  fake_busctl("exit 0");
  const auto result = delegate(1s);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("did not move"));
}

TEST_F(SystemdDelegation, SaysThatThereIsNoBusctl) {
  const auto result = delegate(100ms);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("no busctl"));
}

}  // namespace
}  // namespace sandpit::sys
