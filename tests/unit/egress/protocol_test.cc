#include "egress/protocol.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace sandpit::egress {
namespace {

TEST(StartMessage, IsReadAsItWasWritten) {
  const Start start{
      .allow = {"example.com:443", "10.0.0.0/8:*", "[fd00::/8]:22"},
      .listeners = {{.kind = ListenerKind::kProxy, .descriptor = 2},
                    {.kind = ListenerKind::kForward, .descriptor = 1, .destination = "[::1]:80"},
                    {.kind = ListenerKind::kOriginal, .descriptor = 4},
                    {.kind = ListenerKind::kDns, .descriptor = 3}}};
  const std::string text = start_text(start);
  EXPECT_EQ(text,
            "allow example.com:443\nallow 10.0.0.0/8:*\nallow [fd00::/8]:22\nproxy 2\n"
            "forward 1 [::1]:80\noriginal 4\ndns 3\n");
  const auto read = parse_start(text, 5);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(*read, start);
}

TEST(StartMessage, MayAllowAndListenToNothing) {
  const auto read = parse_start("", 1);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, Start{});
}

TEST(StartMessage, IsRefusedWhenMalformed) {
  const std::string_view bad[] = {
      "proxy 1",  // no end of line
      "\nproxy 1\n",
      "proxy\n",
      "proxy 0\n",         // the counters
      "proxy 2\n",         // not sent
      "proxy 1\ndns 1\n",  // twice
      "proxy 1 x\n",
      "proxy  1\n",
      "proxy -1\n",
      "proxy +1\n",
      "proxy 1x\n",
      "proxy 99999999999999999999999\n",
      "Proxy 1\n",
      "forward 1\n",
      "forward 1 a\n",
      "forward 1 a:0\n",
      "forward 1 0x7f.1:80\n",
      "forward 1 a:*\n",
      "original 1 a:80\n",
      "allow\nproxy 1\n",
      "allow \nproxy 1\n",
      "allow a:80",
      "allow a:80 \nproxy 1\n",
      "allow 0x7f.1:80\nproxy 1\n",
      "listen 1\n",
      "",  // one descriptor nobody speaks of
      "proxy 1\r\n",
  };
  for (const std::string_view text : bad) EXPECT_FALSE(parse_start(text, 2)) << text;
  EXPECT_FALSE(parse_start("", 0));
  EXPECT_FALSE(parse_start(std::string_view("proxy 1\n\0", 9), 2));
}

TEST(Report, IsReadAsItWasWritten) {
  const Report report{.kind = ReportKind::kConnect,
                      .reason = Reason::kUnreachable,
                      .port = 443,
                      .error = ECONNREFUSED,
                      .host = "example.com"};
  EXPECT_EQ(report_text(report), "connect unreachable 443 111 example.com");
  EXPECT_EQ(parse_report(report_text(report)), report);
  EXPECT_EQ(report_text({.kind = ReportKind::kResolve, .host = "x"}), "resolve not-listed 0 0 x");
}

TEST(Report, HasAHostThatIsShortAndPrintable) {
  EXPECT_EQ(parse_report(report_text({.host = "a b\x1b[31m\n\xff"}))->host, "a?b?[31m??");
  EXPECT_EQ(parse_report(report_text({.host = ""}))->host, "?");
  const std::string text =
      report_text({.port = 65535, .error = 2147483647, .host = std::string(1000, 'a')});
  EXPECT_LE(text.size(), kLargestReport);
  EXPECT_EQ(parse_report(text)->host, std::string(255, 'a'));
}

TEST(Report, IsNoneWhenMalformed) {
  for (const std::string_view text :
       {"", "connect", "connect not-listed 1 0", "connect not-listed 1 0 ",
        "connect not-listed x 0 a", "connect not-listed 65536 0 a", "connect not-listed 1 -1 a",
        "connect other 1 0 a", "listen not-listed 1 0 a", "connect not-listed 1 0 a b",
        "connect not-listed 1 0 a\n"}) {
    EXPECT_FALSE(parse_report(text)) << text;
  }
  EXPECT_FALSE(parse_report("connect not-listed 1 0 " + std::string(256, 'a')));
}

}  // namespace
}  // namespace sandpit::egress
