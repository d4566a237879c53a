#include "batch/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "sandpit/units.h"

namespace sandpit::batch {
namespace {

QueuedTask task(std::uint64_t number, const std::string& lane, std::uint64_t mib = 1) {
  return {.task = {}, .number = number, .lane = lane, .memory = ByteCount::mib(mib), .bytes = 10};
}

// The numbers that may start now, none of them ending.
std::vector<std::uint64_t> startable(Schedule& schedule) {
  std::vector<std::uint64_t> numbers;
  while (auto next = schedule.next()) numbers.push_back(next->number);
  return numbers;
}

TEST(Schedule, OneRuntimesTasksStartInTheirOrder) {
  Schedule schedule(ByteCount::mib(100));
  for (std::uint64_t i = 0; i < 4; ++i) schedule.add(task(i, "python"));
  EXPECT_THAT(startable(schedule), testing::ElementsAre(0, 1, 2, 3));
}

TEST(Schedule, RuntimesTakeTurns) {
  Schedule schedule(ByteCount::mib(100));
  for (std::uint64_t i = 0; i < 4; ++i) schedule.add(task(i, "java"));
  schedule.add(task(4, "python"));
  schedule.add(task(5, "python"));
  schedule.add(task(6, "lua"));
  EXPECT_THAT(startable(schedule), testing::ElementsAre(0, 4, 6, 1, 5, 2, 3));
}

TEST(Schedule, PromisesNoMoreMemoryThanThereIs) {
  Schedule schedule(ByteCount::mib(10));
  for (std::uint64_t i = 0; i < 5; ++i) schedule.add(task(i, "python", 4));
  EXPECT_THAT(startable(schedule), testing::ElementsAre(0, 1));
  EXPECT_EQ(schedule.reserved(), ByteCount::mib(8));
  schedule.finish(ByteCount::mib(4));
  EXPECT_THAT(startable(schedule), testing::ElementsAre(2));
  EXPECT_EQ(schedule.reserved(), ByteCount::mib(8));
}

TEST(Schedule, ATaskAsLargeAsTheBudgetStartsAloneAndALargerOneNever) {
  Schedule schedule(ByteCount::mib(10));
  EXPECT_TRUE(schedule.fits_at_all(ByteCount::mib(10)));
  EXPECT_FALSE(schedule.fits_at_all(ByteCount::bytes((10U << 20U) + 1)));
  schedule.add(task(0, "python", 10));
  schedule.add(task(1, "lua", 1));
  EXPECT_THAT(startable(schedule), testing::ElementsAre(0));
  schedule.finish(ByteCount::mib(10));
  EXPECT_THAT(startable(schedule), testing::ElementsAre(1));
}

TEST(Schedule, ALargeTaskIsOvertakenSoManyTimesAndThenEverybodyWaitsForIt) {
  Schedule schedule(ByteCount::mib(10));
  schedule.add(task(0, "small", 2));
  ASSERT_EQ(schedule.next()->number, 0U);  // always one small one in flight
  schedule.add(task(1, "large", 10));
  unsigned overtook = 0;
  for (std::uint64_t i = 2; i < 100; ++i) {
    schedule.add(task(i, "small", 2));
    const auto next = schedule.next();
    if (!next) break;
    ASSERT_EQ(next->lane, "small");
    ++overtook;
    schedule.finish(ByteCount::mib(2));
  }
  EXPECT_EQ(overtook, Schedule::kMostOvertaken);
  schedule.finish(ByteCount::mib(2));
  const auto next = schedule.next();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->number, 1U);
}

TEST(Schedule, OnlyTheAskedOneStartsWhenOnlyThatMay) {
  Schedule schedule(ByteCount::mib(10));
  schedule.add(task(0, "python"));
  schedule.add(task(1, "lua"));
  EXPECT_FALSE(schedule.next_only(7).has_value());
  const auto next = schedule.next_only(1);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->number, 1U);
  EXPECT_THAT(startable(schedule), testing::ElementsAre(0));
}

TEST(Schedule, CountsWhatIsQueued) {
  Schedule schedule(ByteCount::mib(10));
  schedule.add(task(0, "python"));
  schedule.add(task(1, "lua"));
  EXPECT_EQ(schedule.size(), 2U);
  EXPECT_EQ(schedule.bytes(), 20U);
  (void)schedule.next();
  EXPECT_EQ(schedule.size(), 1U);
  EXPECT_EQ(schedule.bytes(), 10U);
}

}  // namespace
}  // namespace sandpit::batch
