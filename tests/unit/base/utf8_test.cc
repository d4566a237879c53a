#include "base/utf8.h"

#include <gtest/gtest.h>

namespace sandpit {
namespace {

TEST(Utf8, KnowsTheLengthOfEachKindOfSequence) {
  EXPECT_EQ(utf8_sequence_length("a"), 1U);
  EXPECT_EQ(utf8_sequence_length("\xC3\xA9"), 2U);
  EXPECT_EQ(utf8_sequence_length("\xE2\x82\xAC..."), 3U);
  EXPECT_EQ(utf8_sequence_length("\xF0\x9F\x98\x80"), 4U);
  EXPECT_EQ(utf8_sequence_length(""), 0U);
}

TEST(Utf8, RejectsOverlongSurrogateTruncatedAndTooLargeSequences) {
  for (const char* bytes :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xE2\x82", "\xC3", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(bytes)) << bytes;
  }
  EXPECT_TRUE(is_valid_utf8("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0", 1)));
}

TEST(Utf8, ReplacesOnlyTheBytesThatAreNotText) {
  EXPECT_EQ(replace_invalid_utf8("a\xFFz\xC3\xA9"), "a\xEF\xBF\xBDz\xC3\xA9");
}

TEST(Utf8, PrintableKeepsTextAndShowsEverythingThatMovesATerminal) {
  EXPECT_EQ(printable("na\xC3\xAFve name.py"), "na\xC3\xAFve name.py");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable("\x1B[31m"), "\\x1b[31m");
  EXPECT_EQ(printable("\x7F\xFF"), "\\x7f\\xff");
  EXPECT_EQ(printable("\xC2\x9B"), "\\x9b");  // CSI as one character
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "txt"),
            "\\u202etxt");  // right-to-left override
}

}  // namespace
}  // namespace sandpit
