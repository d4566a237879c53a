#include "cli/terminal_filter.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace sandpit::cli {
namespace {

using namespace std::string_literals;

std::string filtered(std::string_view text) {
  TerminalFilter filter;
  return filter.pass(text);
}

TEST(TerminalFilter, LetsTextPass) {
  for (const std::string_view text :
       {"", "plain text ~", "a\tb\r\nc\b\f\v\a", "Grüße 漢字 👩‍👩‍👧 e\u0301",
        "\u00a0\u00ff"}) {
    EXPECT_EQ(filtered(text), text);
  }
}

TEST(TerminalFilter, LetsColoursMovesAndErasingPass) {
  for (const std::string_view text :
       {"\x1b[31mred\x1b[0m", "\x1b[1;38;2;255;0;128;48;5;17mx", "\x1b[4:3mwave", "\x1b[2J\x1b[H",
        "\x1b[1A\x1b[2K\rbar 50%", "\x1b[10;20H\x1b[s\x1b[u",
        "\x1b"
        "7\x1b"
        "8\x1bM",
        "\x1b[K", "\x1b[?25l\x1b[?25h", "\x1b[m"}) {
    EXPECT_EQ(filtered(text), text);
  }
}

TEST(TerminalFilter, LeavesOutWhatOrdersATerminal) {
  for (const std::string_view order : {"\x1b]0;title\a",
                                       "\x1b]52;c;ZXZpbA==\a",
                                       "\x1b]52;c;?\x1b\\",
                                       "\x1b]8;;http://x\x1b\\",
                                       "\x1b]11;?\a",
                                       "\x1b]1337;File=:AAAA\a",
                                       "\x1b[6n",
                                       "\x1b[5n",
                                       "\x1b[c",
                                       "\x1b[>c",
                                       "\x1b[=c",
                                       "\x1b[0c",
                                       "\x1b[21t",
                                       "\x1b[8;1;1t",
                                       "\x1bP$q q\x1b\\",
                                       "\x1bP+q544e\x1b\\",
                                       "\x1b_Gi=1;AAAA\x1b\\",
                                       "\x1b^x\x1b\\",
                                       "\x1bXx\x1b\\",
                                       "\x1bktitle\x1b\\",
                                       "\x1b"
                                       "c",
                                       "\x1b"
                                       "Z",
                                       "\x1b[?1000h",
                                       "\x1b[?1004h",
                                       "\x1b[?2004l",
                                       "\x1b[?1049h",
                                       "\x1b[?25;1000h",
                                       "\x1b[12l",
                                       "\x1b[4h",
                                       "\x1b[!p",
                                       "\x1b[5i",
                                       "\x1b[2;3r",
                                       "\x1b[>4;2m",
                                       "\x1b[?6n",
                                       "\x1b[1 q",
                                       "\x1b[$p",
                                       "\x1b[3J",
                                       "\x1b[?1S",
                                       "\x1b[99999999m",
                                       "\x05",
                                       "\x0e",
                                       "\x0f",
                                       "\xc2\x9b",
                                       "\x1b=",
                                       "\x1b#8"}) {
    EXPECT_EQ(filtered("<" + std::string(order) + ">"), "<>") << order.substr(1);
  }
}

TEST(TerminalFilter, LeavesOutFonts) {
  for (const std::string_view font :
       {"\x1b[10m", "\x1b[11m", "\x1b[12m", "\x1b[20m", "\x1b[0011m", "\x1b[1;11m", "\x1b[31;12m",
        "\x1b[11;0m", "\x1b[38;5;1;11m", "\x1b[38;2;1;2;3;12m", "\x1b[38;11m", "\x1b[38;5:11;11m",
        "\x1b[58;5;11m", "\x1b[4:11m", "\x1b[11:1m", "\x1b[267m", "\x1b[65547m"}) {
    TerminalFilter filter;
    EXPECT_EQ(filter.pass(font), "") << font.substr(1);
    EXPECT_EQ(filter.withheld(), 1U) << font.substr(1);
  }
  for (const std::string_view style :
       {"\x1b[9m", "\x1b[21m", "\x1b[38;5;11m", "\x1b[48;5;12;1m", "\x1b[1;38;2;10;11;12;4m",
        "\x1b[38:5:11m", "\x1b[38:2::11:12:13;1m", "\x1b[;;m", "\x1b[107m"}) {
    EXPECT_EQ(filtered(style), style) << style.substr(1);
  }
}

TEST(TerminalFilter, ShowsWhatFollowsAnEightBitIntroducerAsText) {
  EXPECT_EQ(filtered("\xc2\x9b"
                     "6n\xc2\x9d"
                     "0;t\a"),
            "6n0;t\a");
}

TEST(TerminalFilter, LeavesOutCharacterSetsWithoutAWord) {
  TerminalFilter filter;
  EXPECT_EQ(filter.pass("a\x1b(B\x1b)0\x1b%Gb"), "ab");
  EXPECT_EQ(filter.withheld(), 0U);
}

TEST(TerminalFilter, ReplacesBytesThatAreNoCharacters) {
  EXPECT_EQ(filtered("a\xff\xc0\x9b"
                     "6n"),
            "a\uFFFD\uFFFD\uFFFD"
            "6n");
  EXPECT_EQ(filtered("\x9b"
                     "6n"),
            "\uFFFD"
            "6n");
  EXPECT_EQ(filtered("\xe0\x82\x9b"
                     "6n"),
            "\uFFFD\uFFFD\uFFFD"
            "6n");  // overlong
  EXPECT_EQ(filtered("\xe6\xbc"
                     "A"),
            "\uFFFD\uFFFD"
            "A");
}

TEST(TerminalFilter, WaitsForTheRestOfACharacterOrASequence) {
  for (const std::string_view whole : {"漢", "👩", "ü", "\x1b[31m", "\x1b[2J",
                                       "\x1b"
                                       "7"}) {
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      TerminalFilter filter;
      EXPECT_EQ(filter.pass(whole.substr(0, cut)), "");
      EXPECT_EQ(filter.pass(whole.substr(cut)), whole);
    }
  }
}

TEST(TerminalFilter, SkipsAStringThatComesInPieces) {
  TerminalFilter filter;
  EXPECT_EQ(filter.pass("a\x1b"), "a");
  EXPECT_EQ(filter.pass("]52;c;"), "");
  EXPECT_EQ(filter.pass("QUFB\nQUFB\x1b"), "");
  EXPECT_EQ(filter.pass("\\b"), "b");
  EXPECT_EQ(filter.withheld(), 1U);
}

TEST(TerminalFilter, GoesOnAfterAStringThatWasCutOff) {
  EXPECT_EQ(filtered("\x1b]0;title\x1b[31mred"), "\x1b[31mred");
  EXPECT_EQ(filtered("\x1b]0;title\x18"
                     "text"),
            "text");
  EXPECT_EQ(filtered("\x1b]0;a\x1b]0;b\atext"), "text");
}

TEST(TerminalFilter, GoesOnAfterASequenceThatWasCutOff) {
  EXPECT_EQ(filtered("\x1b[31\nm"), "\nm");
  EXPECT_EQ(filtered("\x1b[3\x1b[31mred"), "\x1b[31mred");
  EXPECT_EQ(filtered("\x1b\x1b\x1b[6nx"), "x");
  EXPECT_EQ(filtered("\x1bü"), "ü");
  EXPECT_EQ(filtered("\x1b[3ü"), "ü");
}

TEST(TerminalFilter, HoldsNoMoreThanASequenceOfAFlood) {
  TerminalFilter filter;
  std::size_t out = filter.pass("\x1b[").size();
  for (int i = 0; i < 1000; ++i) out += filter.pass(std::string(1000, '1')).size();
  EXPECT_GE(out, 999'000U);
}

TEST(TerminalFilter, EndsColoursAndShowsTheCursorAtTheEnd) {
  TerminalFilter filter;
  EXPECT_EQ(filter.pass("\x1b[8;31mhidden\x1b[?25l\x1b[3"), "\x1b[8;31mhidden\x1b[?25l");
  EXPECT_EQ(filter.finish(), "\x1b[0m\x1b[?25h");
  EXPECT_EQ(filter.pass("1m"), "1m");
  EXPECT_EQ(filter.pass("\x1b[31mred\x1b[0m"), "\x1b[31mred\x1b[0m");
  EXPECT_EQ(filter.finish(), "");
}

// A terminal saves them with the cursor.
TEST(TerminalFilter, EndsColoursThatCameBackWithTheCursor) {
  for (const char* restore : {"\0338", "\033[u"}) {
    TerminalFilter filter;
    (void)filter.pass("\033[8m\0337\033[s\033[0m");
    (void)filter.pass(restore);
    EXPECT_EQ(filter.finish(), "\033[0m");
  }
}

TEST(TerminalFilter, CountsWhatItLeftOut) {
  TerminalFilter filter;
  (void)filter.pass("\x1b]0;t\a\x1b[6n\x05 text \x1b[31m");
  EXPECT_EQ(filter.withheld(), 3U);
}

// The answer holds nothing but what is allowed, however the input is cut: filtering it again,
// whole, changes nothing, and cutting the input elsewhere neither.
TEST(TerminalFilter, IsTheSameHoweverItsInputIsCutAndPassesItsOwnAnswer) {
  std::mt19937 random(7);  // NOLINT(*-msc51-cpp): the same each time
  const std::string alphabet =
      "\x1b\x1b\x1b[[]P\\;?>0123456789mnhlcJ ab\a\n\x18\x9b\xc2\xe6\xbc\xa2\x05("s;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::size_t i = random() % 40; i > 0; --i) text += alphabet[random() % alphabet.size()];
    const std::string whole = filtered(text);
    TerminalFilter pieces;
    std::string joined;
    for (const char byte : text) {
      const std::string part = pieces.pass(std::string_view(&byte, 1));
      EXPECT_EQ(filtered(part), part);
      joined += part;
    }
    ASSERT_EQ(joined, whole) << round;
    TerminalFilter again;
    ASSERT_EQ(again.pass(whole), whole) << round;
    ASSERT_EQ(again.withheld(), 0U) << round;
  }
}

}  // namespace
}  // namespace sandpit::cli
