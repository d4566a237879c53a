#include "sys/file_calls.h"

#include <gtest/gtest.h>

#include "sys/seccomp_profile.h"

namespace sandpit::sys {
namespace {

TEST(FileCalls, HaveOneRowForEachFileThatTheyName) {
  EXPECT_EQ(file_calls("openat").size(), 1U);
  EXPECT_EQ(file_calls("renameat2").size(), 2U);
  EXPECT_EQ(file_calls("link").size(), 2U);
  EXPECT_TRUE(file_calls("read").empty());
  EXPECT_TRUE(file_calls("").empty());
}

TEST(FileCalls, AreCallsOfTheKernel) {
  int known = 0;
  for (const SyscallTableRow& row : syscall_table()) {
    known += static_cast<int>(file_calls(row.name).size());
  }
  EXPECT_EQ(known, 47);  // a row whose name is misspelt is missing here
}

}  // namespace
}  // namespace sandpit::sys
