#include "supervisor/output_collector.h"

#include <gtest/gtest.h>

#include <string>

namespace sandpit {
namespace {

// Everything that would go out, in order.
std::string collect(OutputCollector& collector, std::initializer_list<std::string_view> chunks) {
  std::string out;
  for (const std::string_view chunk : chunks) out += collector.take(chunk);
  return out + collector.finish();
}

TEST(OutputCollector, PassesEverythingUpToTheLimit) {
  OutputCollector collector(ByteCount::bytes(16));
  EXPECT_EQ(collect(collector, {"0123456789", "abcdef"}), "0123456789abcdef");
  EXPECT_FALSE(collector.truncated());
  EXPECT_EQ(collector.total(), 16U);
}

TEST(OutputCollector, KeepsHeadAndTailAndCountsTheRest) {
  OutputCollector collector(ByteCount::bytes(16));
  EXPECT_EQ(collect(collector, {"0123456789", "abcdefghij", "klmnopqrst"}), "0123456789abqrst");
  EXPECT_TRUE(collector.truncated());
  EXPECT_EQ(collector.total(), 30U);
}

TEST(OutputCollector, StreamsTheHeadAtOnce) {
  OutputCollector collector(ByteCount::bytes(100));
  EXPECT_EQ(collector.take("hello"), "hello");
}

TEST(OutputCollector, GivesTheSameForEveryWayOfCuttingTheStream) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += std::to_string(i) + ",";
  OutputCollector whole(ByteCount::bytes(200));
  const std::string expected = collect(whole, {text});
  for (std::size_t size = 1; size < 40; ++size) {
    OutputCollector collector(ByteCount::bytes(200));
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += size) {
      out += collector.take(std::string_view(text).substr(at, size));
    }
    out += collector.finish();
    EXPECT_EQ(out, expected) << "chunks of " << size;
    EXPECT_EQ(collector.total(), text.size());
  }
}

TEST(OutputCollector, NeverSplitsACharacter) {
  std::string text;
  while (text.size() < 4000) text += "aé€😀";
  const std::string_view whole(text);
  for (std::uint64_t limit = 64; limit < 100; ++limit) {
    OutputCollector collector(ByteCount::bytes(limit));
    const std::string out = collect(collector, {whole.substr(0, 1001), whole.substr(1001)});
    // Every byte that starts a character is followed by just as many continuation bytes as it says.
    for (std::size_t i = 0; i < out.size();) {
      const auto byte = static_cast<unsigned char>(out[i]);
      const std::size_t length = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
      ASSERT_NE(byte & 0xC0U, 0x80U) << "limit " << limit << " at " << i;
      ASSERT_LE(i + length, out.size()) << "limit " << limit;
      for (std::size_t k = 1; k < length; ++k) {
        ASSERT_EQ(static_cast<unsigned char>(out[i + k]) & 0xC0U, 0x80U) << "limit " << limit;
      }
      i += length;
    }
    EXPECT_LE(out.size(), limit + 3);
    EXPECT_TRUE(collector.truncated());
  }
}

TEST(OutputCollector, KeepsNothingButCountsWhenTheLimitIsZero) {
  OutputCollector collector(ByteCount::bytes(0));
  EXPECT_EQ(collect(collector, {"abc"}), "");
  EXPECT_TRUE(collector.truncated());
  EXPECT_EQ(collector.total(), 3U);
}

TEST(OutputCollector, HoldsABoundedAmountOfAFlood) {
  OutputCollector collector(ByteCount::mib(1));
  const std::string chunk(64U << 10U, 'x');
  std::size_t out = 0;
  for (int i = 0; i < 1000; ++i) out += collector.take(chunk).size();
  out += collector.finish().size();
  EXPECT_EQ(out, 1U << 20U);
  EXPECT_EQ(collector.total(), 1000U * chunk.size());
}

}  // namespace
}  // namespace sandpit
