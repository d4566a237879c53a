#include "sys/memory_room.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sandpit/units.h"
#include "sys/host_facts.h"

namespace sandpit::sys {
namespace {

class MemoryRoom : public testing::Test {
 protected:
  MemoryRoom() {
    std::string pattern = testing::TempDir() + "sandpit-room-XXXXXX";
    group_ = ::mkdtemp(pattern.data());
  }
  ~MemoryRoom() override { std::filesystem::remove_all(group_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(group_ + "/" + name) << text;
  }
  std::string group_;
};

constexpr std::uint64_t kMib = 1U << 20U;

TEST_F(MemoryRoom, OfTheHostIsWhatIsAvailable) {
  const auto room = available_memory("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable:   64 kB\n");
  ASSERT_TRUE(room.has_value());
  EXPECT_EQ(*room, ByteCount::kib(64));
  EXPECT_FALSE(available_memory("MemTotal: 100 kB\n").has_value());
}

TEST_F(MemoryRoom, OfAGroupIsItsLimitLessWhatCantBeDropped) {
  write("memory.max", std::to_string(100 * kMib) + "\n");
  write("memory.current", std::to_string(70 * kMib) + "\n");
  write("memory.stat", "anon 1\ninactive_file " + std::to_string(50 * kMib) + "\nslab 3\n");
  EXPECT_EQ(group_room(group_, CgroupVersion::kV2), ByteCount::mib(80));
  write("memory.limit_in_bytes", std::to_string(100 * kMib));
  write("memory.usage_in_bytes", std::to_string(99 * kMib));
  write("memory.stat", "inactive_file 1\ntotal_inactive_file " + std::to_string(kMib) + "\n");
  EXPECT_EQ(group_room(group_, CgroupVersion::kV1), ByteCount::mib(2));
}

TEST_F(MemoryRoom, AGroupWithoutALimitGivesAll) {
  write("memory.max", "max\n");
  write("memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_GT(group_room(group_, CgroupVersion::kV2), ByteCount::gib(1U << 20U));
  EXPECT_GT(group_room(group_, CgroupVersion::kV1), ByteCount::gib(1U << 20U));
  EXPECT_GT(group_room("/nowhere", CgroupVersion::kV1), ByteCount::gib(1U << 20U));
}

TEST_F(MemoryRoom, AFullGroupGivesNone) {
  write("memory.max", std::to_string(kMib));
  write("memory.current", std::to_string(2 * kMib));
  EXPECT_EQ(group_room(group_, CgroupVersion::kV2), ByteCount());
}

TEST_F(MemoryRoom, IsThatOfTheTightestGroupAbove) {
  write("memory.max", std::to_string(3 * kMib));
  write("memory.current", "0");
  std::filesystem::create_directories(group_ + "/inner");
  const auto room =
      memory_room({.version = CgroupVersion::kV2, .directory = group_ + "/inner/group"});
  ASSERT_TRUE(room.has_value());
  EXPECT_EQ(*room, ByteCount::mib(3));
}

TEST_F(MemoryRoom, OfThisHostIsBetweenAMebibyteAndAPebibyte) {
  const auto room = memory_room({});
  ASSERT_TRUE(room.has_value());
  EXPECT_GT(*room, ByteCount::mib(1));
  EXPECT_LT(*room, ByteCount::gib(1U << 20U));
}

}  // namespace
}  // namespace sandpit::sys
