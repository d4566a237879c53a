#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "cgroup_support.h"
#include "sys/proc_sampler.h"

namespace sandpit::sys {
namespace {

using namespace std::chrono_literals;

// A process that makes its tree and says so on a pipe, then waits to be killed.
class ProcSampler : public testing::Test {
 protected:
  template <class Body>
  void start(Body body) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    root_ = ::fork();
    if (root_ == 0) {
      ::setpgid(0, 0);
      ::alarm(20);
      cap(RLIMIT_CPU, 5);
      ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans come to it, as to a pid namespace's init
      body();
      (void)!::write(ends[1], "x", 1);
      for (;;) ::pause();
    }
    ::setpgid(root_, root_);
    ::close(ends[1]);
    char byte = 0;
    ASSERT_EQ(::read(ends[0], &byte, 1), 1);
    ::close(ends[0]);
  }
  ~ProcSampler() override {
    if (root_ > 0) {
      ::kill(-root_, SIGKILL);
      wait_for(root_);
    }
  }
  UniqueFd proc_{::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  pid_t root_ = -1;
};

TEST_F(ProcSampler, CountsTheLivingAndTheDeadThatWereWaitedFor) {
  start([] {
    if (::fork() == 0) ::_exit(burn(150ms));
    ::wait(nullptr);
    burn(150ms);
  });
  const auto sample = sample_tree(root_, proc_);
  ASSERT_TRUE(sample) << sample.error().to_string();
  EXPECT_EQ(sample->tasks, 1U);
  EXPECT_GE(sample->cpu(), 260ms);  // two roundings to clock ticks
  EXPECT_LE(sample->cpu(), 600ms);
}

TEST_F(ProcSampler, SeesOrphansAndGrandchildrenAndThreads) {
  start([] {
    int ready[2];
    (void)!::pipe(ready);
    const pid_t middle = ::fork();
    if (middle == 0) {
      if (::fork() == 0) {
        std::thread([] { ::pause(); }).detach();
        (void)!::write(ready[1], "x", 1);
        for (;;) ::pause();
      }
      ::_exit(0);  // the grandchild is an orphan now
    }
    ::waitpid(middle, nullptr, 0);
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);
  });
  const auto sample = sample_tree(root_, proc_);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->tasks, 3U);
}

TEST_F(ProcSampler, SeesTheMemoryOfAllProcesses) {
  SKIP_WITH_SHADOW_MEMORY("its shadow counts as memory of each process");
  start([] {
    const auto fill = [] {
      void* memory = ::mmap(nullptr, 16U << 20U, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
      if (memory == MAP_FAILED) ::_exit(1);
    };
    int ready[2];
    (void)!::pipe(ready);
    if (::fork() == 0) {
      fill();
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    fill();
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);
  });
  const auto sample = sample_tree(root_, proc_);
  ASSERT_TRUE(sample);
  EXPECT_GE(sample->memory, ByteCount::mib(32));
  EXPECT_LE(sample->memory, ByteCount::mib(48));
}

TEST_F(ProcSampler, SurvivesProcessesThatVanish) {
  start([] {
    if (::fork() == 0) {
      for (;;) {
        if (::fork() == 0) ::_exit(0);
        ::wait(nullptr);
      }
    }
  });
  TreeSampler sampler(root_, proc_);
  Microseconds before{0};
  for (int i = 0; i < 200; ++i) {
    const auto sample = sampler.sample();
    ASSERT_TRUE(sample);
    EXPECT_GE(sample->tasks, 1U);
    EXPECT_GE(sample->cpu(), before);
    before = sample->cpu();
  }
}

TEST_F(ProcSampler, SaysThatTheRootIsGone) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  wait_for(pid);
  const auto sample = sample_tree(pid, proc_);
  ASSERT_FALSE(sample);
  EXPECT_EQ(sample.error().errno_value, ESRCH);
}

}  // namespace
}  // namespace sandpit::sys
