// Real groups of the kernel, whichever version this host has: v1 here, v2 in tests/vm.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "cgroup_support.h"
#include "support/slowness.h"
#include "sys/cgroup.h"

namespace sandpit::sys {
namespace {

using namespace std::chrono_literals;

class CgroupReal : public testing::Test {
 protected:
  void SetUp() override {
    for (const ControllerFacts* facts : {&host_.memory(), &host_.pids(), &host_.cpu()}) {
      if (facts->version == CgroupVersion::kNone) {
        GTEST_SKIP() << "needs usable memory, pids and cpu cgroups: " << facts->reason << " ("
                     << facts->mend << ")";
      }
    }
    name_ = test_group_name(testing::UnitTest::GetInstance()->current_test_info()->name());
    auto made = host_.create(name_);
    ASSERT_TRUE(made) << made.error().to_string();
    group_ = std::move(*made);
  }

  [[nodiscard]] std::vector<std::string> directories() const {
    return {host_.memory().directory + "/" + name_, host_.pids().directory + "/" + name_,
            host_.cpu().directory + "/" + name_};
  }
  void expect_gone() const {
    for (const std::string& path : directories())
      EXPECT_FALSE(std::filesystem::exists(path)) << path;
  }
  [[nodiscard]] CgroupUsage usage() const {
    auto usage = group_->usage();
    EXPECT_TRUE(usage);
    return usage.value_or(CgroupUsage{});
  }
  [[nodiscard]] bool on_v2() const { return host_.memory().version == CgroupVersion::kV2; }

  CgroupHost host_ = CgroupHost::probe();
  std::string name_;
  std::unique_ptr<Cgroup> group_;
};

TEST_F(CgroupReal, KillsWhatAllocatesBeyondTheMemoryLimitAndSaysSo) {
  SKIP_WITH_SHADOW_MEMORY("its allocator does not work below RLIMIT_AS");
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(16), .tasks = 8}));
  const pid_t child = spawn_in(*group_, [] { return use_memory(std::size_t{64} << 20U); });
  ASSERT_GT(child, 0) << errno;

  ASSERT_GE(group_->event_descriptor(), 0);
  pollfd events{.fd = group_->event_descriptor(), .events = POLLIN | POLLPRI, .revents = 0};
  EXPECT_EQ(::poll(&events, 1, 10'000), 1) << "no event within 10 s";
  const int status = wait_for(child);

  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  if (on_v2()) {
    // memory.oom.group counts the victim and then each member, the victim again.
    EXPECT_GE(usage().oom_kills, 1U);
    EXPECT_GT(usage().memory_limit_hits.value_or(0), 0U);
  } else {
    EXPECT_EQ(usage().oom_kills, 1U);
  }
  ASSERT_TRUE(usage().memory_peak);
  EXPECT_LE(*usage().memory_peak, ByteCount::mib(16));
  EXPECT_GE(*usage().memory_peak, ByteCount::mib(15));

  group_->drain_events();
  events.revents = 0;
  EXPECT_EQ(::poll(&events, 1, 0), 0) << "still readable after drain_events()";
}

TEST_F(CgroupReal, CountsTheMemoryOfTheWholeTree) {
  SKIP_WITH_SHADOW_MEMORY("its allocator does not work below RLIMIT_AS");
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(24), .tasks = 8}));
  // Each of the four is far below the limit.
  const pid_t child = spawn_in(*group_, [] {
    for (int i = 0; i < 4; ++i) {
      if (::fork() == 0) {
        use_memory(std::size_t{10} << 20U);
        ::sleep(2);
        ::_exit(0);
      }
    }
    int bad = 0;
    for (int i = 0, status = 0; i < 4; ++i) {
      ::wait(&status);
      bad += WIFSIGNALED(status) ? 1 : 0;
    }
    return bad == 0 ? 0 : 1;
  });
  ASSERT_GT(child, 0);
  const int status = wait_for(child);
  EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 1) << status;
  EXPECT_GE(usage().oom_kills, 1U);
}

TEST_F(CgroupReal, RefusesForksBeyondTheTaskLimit) {
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(64), .tasks = 3}));
  const pid_t child = spawn_in(*group_, [] {
    int made = 0;
    for (int i = 0; i < 10; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::pause();
        ::_exit(0);
      }
      if (pid < 0 && errno == EAGAIN) return made;
      made += pid > 0 ? 1 : 0;
    }
    return 99;
  });
  ASSERT_GT(child, 0);
  const int status = wait_for(child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_EQ(usage().pids_denied, 1U);
  group_->kill_all();
  group_.reset();
  expect_gone();
}

TEST_F(CgroupReal, CountsTheCpuTimeOfMembersThatHaveEnded) {
  const pid_t child = spawn_in(*group_, [] {
    if (::fork() == 0) ::_exit(burn(100ms));
    burn(100ms);
    return ::wait(nullptr) > 0 ? 0 : 1;
  });
  ASSERT_GT(child, 0);
  ASSERT_EQ(wait_for(child), 0);
  const auto cpu = group_->cpu_time();
  ASSERT_TRUE(cpu);
  EXPECT_GE(*cpu, 190ms);
  // An emulator that gets no processor counts that as ours.
  EXPECT_LE(*cpu, 1000ms * test::slowness());
  ASSERT_TRUE(usage().user);
  ASSERT_TRUE(usage().system);
  EXPECT_NEAR(static_cast<double>((*usage().user + *usage().system).count()),
              static_cast<double>(usage().cpu->count()), 2.0);
}

TEST_F(CgroupReal, KillsEveryMember) {
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(64), .tasks = 16}));
  const pid_t child = spawn_in(*group_, [] {
    for (int i = 0; i < 8; ++i) {
      if (::fork() == 0) break;
    }
    for (;;) ::pause();
    return 0;
  });
  ASSERT_GT(child, 0);
  std::this_thread::sleep_for(50ms);
  group_->kill_all();
  const int status = wait_for(child);
  EXPECT_TRUE(WIFSIGNALED(status));
  group_.reset();
  expect_gone();
}

TEST_F(CgroupReal, KillsAForkBombThatNeverStops) {
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(64), .tasks = 24}));
  const pid_t child = spawn_in(*group_, [] {
    cap(RLIMIT_CPU, 3);
    for (;;) {
      if (::fork() == 0) ::alarm(20);
    }
    return 0;
  });
  ASSERT_GT(child, 0);
  // Until it has filled the group: on an emulated machine that takes a while.
  for (int i = 0; i < 500 && usage().pids_denied == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_GT(usage().pids_denied, 0U);
  group_->kill_all();
  EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
  group_.reset();
  expect_gone();
}

TEST_F(CgroupReal, ReplacesTheLeftoverOfADeadOwner) {
  const pid_t child = spawn_in(*group_, [] {
    ::pause();
    return 0;
  });
  ASSERT_GT(child, 0);
  std::this_thread::sleep_for(50ms);  // until it is in the group
  auto again = host_.create(name_);
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
  EXPECT_EQ((*again)->usage().value().oom_kills, 0U);
  again->reset();
  expect_gone();
}

TEST_F(CgroupReal, LeavesNothingBehind) {
  for (const std::string& path : directories()) EXPECT_TRUE(std::filesystem::exists(path)) << path;
  group_.reset();
  expect_gone();
}

TEST_F(CgroupReal, IsReadyForTheNextRunAfterReset) {
  SKIP_WITH_SHADOW_MEMORY("its allocator does not work below RLIMIT_AS");
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(16), .tasks = 1}));
  const pid_t child = spawn_in(*group_, [] {
    if (::fork() >= 0) return 1;
    burn(50ms);
    return use_memory(std::size_t{64} << 20U);
  });
  ASSERT_GT(child, 0);
  EXPECT_TRUE(WIFSIGNALED(wait_for(child)));
  ASSERT_GE(usage().oom_kills, 1U);

  const auto reset = group_->reset();
  if (!reset && on_v2()) GTEST_SKIP() << "needs Linux 6.12: " << reset.error().to_string();
  ASSERT_TRUE(reset) << reset.error().to_string();
  EXPECT_EQ(usage().oom_kills, 0U);
  EXPECT_EQ(usage().memory_limit_hits.value_or(0), 0U);
  EXPECT_EQ(usage().pids_denied, 0U);
  EXPECT_LT(*usage().cpu, 10ms);
  EXPECT_LE(*usage().memory_peak, ByteCount::mib(1));

  // A larger limit than before, and it holds.
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(48), .tasks = 4}));
  const pid_t second = spawn_in(*group_, [] { return use_memory(std::size_t{20} << 20U); });
  EXPECT_EQ(wait_for(second), 0);
  EXPECT_EQ(usage().oom_kills, 0U);
  EXPECT_GE(*usage().memory_peak, ByteCount::mib(20));
  EXPECT_LE(*usage().memory_peak, ByteCount::mib(24));
}

TEST_F(CgroupReal, DoesNotChargeTheNextRunForTheLastOnesFiles) {
  SKIP_WITH_SHADOW_MEMORY("its allocator does not work below RLIMIT_AS");
  ASSERT_TRUE(group_->set_limits({.memory = ByteCount::mib(64), .tasks = 4}));
  // Not below /tmp: what lies in a tmpfs stays in memory until it is removed.
  const std::string path = "/var/tmp/" + name_;
  const pid_t child = spawn_in(*group_, [&] {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const std::string block(1U << 20U, 'x');
    for (int i = 0; i < 20; ++i) {
      if (::write(fd, block.data(), block.size()) < 0) return 1;
    }
    return ::fsync(fd) == 0 || errno == EINVAL ? 0 : 2;
  });
  ASSERT_EQ(wait_for(child), 0);
  const auto reset = group_->reset();
  std::filesystem::remove(path);
  if (!reset && on_v2()) GTEST_SKIP() << "needs Linux 6.12: " << reset.error().to_string();
  ASSERT_TRUE(reset) << reset.error().to_string();
  EXPECT_LE(*usage().memory_peak, ByteCount::mib(1));
}

TEST_F(CgroupReal, RefusesNamesThatAreNotOneComponent) {
  for (const char* name : {"", ".", "..", "a/b", "a\nb"}) EXPECT_FALSE(host_.create(name)) << name;
}

}  // namespace
}  // namespace sandpit::sys
