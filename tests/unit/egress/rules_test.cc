#include "egress/rules.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "egress/address.h"

namespace sandpit::egress {
namespace {

Address address(std::string_view text) {
  const auto parsed = Address::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Address(Address::V4{}));
}

AllowList list_of(const std::vector<std::string>& entries) {
  AllowList list;
  for (const std::string& entry : entries) EXPECT_TRUE(list.add(entry)) << entry;
  return list;
}

bool allows(const AllowList& list, std::string_view host, std::uint16_t port) {
  const auto parsed = parse_host(host);
  return parsed && list.allows(*parsed, port);
}

// First, last, and the neighbours outside; "" where there is none, or it is special as well.
struct Edges {
  std::string_view before, first, last, after;
};

class SpecialRange : public testing::TestWithParam<Edges> {};

TEST_P(SpecialRange, HasItsEdgesAndNotTheirNeighbours) {
  const Edges& edges = GetParam();
  EXPECT_TRUE(is_special(address(edges.first))) << edges.first;
  EXPECT_TRUE(is_special(address(edges.last))) << edges.last;
  if (!edges.before.empty()) {
    EXPECT_FALSE(is_special(address(edges.before))) << edges.before;
  }
  if (!edges.after.empty()) {
    EXPECT_FALSE(is_special(address(edges.after))) << edges.after;
  }
}

INSTANTIATE_TEST_SUITE_P(
    V4, SpecialRange,
    testing::Values(Edges{"", "0.0.0.0", "0.255.255.255", "1.0.0.0"},
                    Edges{"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
                    Edges{"100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"},
                    Edges{"126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"},
                    Edges{"169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"},
                    Edges{"172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"},
                    Edges{"191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"},
                    Edges{"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"},
                    Edges{"192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"},
                    Edges{"192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"},
                    Edges{"198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"},
                    Edges{"198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"},
                    Edges{"203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"},
                    Edges{"223.255.255.255", "224.0.0.0", "239.255.255.255", ""},
                    Edges{"", "240.0.0.0", "255.255.255.255", ""}));

INSTANTIATE_TEST_SUITE_P(
    V6, SpecialRange,
    testing::Values(
        Edges{"", "::", "::1", ""}, Edges{"", "::ffff:0:0:0", "::ffff:0:ffff:ffff", ""},
        Edges{"", "64:ff9b::", "64:ff9b::ffff:ffff", ""},
        Edges{"", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", ""},
        Edges{"", "100::", "100::ffff:ffff:ffff:ffff", ""},
        Edges{"", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
              "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"},
        Edges{"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001::1", "2001:200::"},
        Edges{"2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
              "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"},
        Edges{"2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
              "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"},
        Edges{"3ffe:ffff::", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"},
        Edges{"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
              "4000::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
        Edges{"", "5f00::", "7fff::", ""}, Edges{"", "8000::", "fbff::", ""},
        Edges{"", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
        Edges{"", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
        Edges{"", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""},
        Edges{"", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""}));

TEST(Address, OfAzuresOwnServicesIsSpecial) {
  EXPECT_TRUE(is_special(*Address::parse("168.63.129.16")));
  EXPECT_FALSE(is_special(*Address::parse("168.63.129.17")));
}

TEST(Address, IsThePlainOneWhateverWrapsIt) {
  EXPECT_EQ(address("::ffff:127.0.0.1"), address("127.0.0.1"));
  EXPECT_EQ(address("::ffff:7f00:1"), address("127.0.0.1"));
  EXPECT_EQ(address("::169.254.169.254"), address("169.254.169.254"));
  EXPECT_TRUE(address("::8.8.8.8").is_v4());
  EXPECT_EQ(address("::ffff:8.8.8.8").to_string(), "8.8.8.8");
  EXPECT_FALSE(address("::1").is_v4());
  EXPECT_FALSE(address("::").is_v4());
  EXPECT_EQ(address("2001:DB8::1").to_string(), "2001:db8::1");
}

TEST(Address, IsReadStrictly) {
  for (const std::string_view text :
       {"", "127.1", "0x7f.0.0.1", "127.0.0.01", "2130706433", "127.0.0.1.", " 127.0.0.1",
        "127.0.0.256", "fe80::1%lo", "[::1]", "::1/128", "1.2.3.4.5", ":::", "12345::"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view("127.0.0.1\0x", 11)));
}

TEST(Range, ContainsWhatItSaysAndNoOtherFamily) {
  EXPECT_TRUE(Range::parse("10.0.0.0/8")->contains(address("10.255.0.1")));
  EXPECT_TRUE(Range::parse("10.0.0.0/8")->contains(address("::ffff:10.255.0.1")));
  EXPECT_FALSE(Range::parse("10.0.0.0/8")->contains(address("11.0.0.0")));
  EXPECT_TRUE(Range::parse("0.0.0.0/0")->contains(address("255.1.2.3")));
  EXPECT_FALSE(Range::parse("0.0.0.0/0")->contains(address("::1")));
  EXPECT_TRUE(Range::parse("::/0")->contains(address("::1")));
  EXPECT_FALSE(Range::parse("::/0")->contains(address("1.2.3.4")));
  EXPECT_TRUE(Range::parse("::ffff:10.0.0.0/104")->contains(address("10.1.1.1")));
  EXPECT_TRUE(Range::parse("1.2.3.4/32")->contains(address("1.2.3.4")));
  EXPECT_FALSE(Range::parse("1.2.3.4")->contains(address("1.2.3.5")));
}

TEST(Range, IsReadStrictly) {
  for (const std::string_view text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/8x",
        "fd00::/129", "fd00::1/8", "10.0.0.0/ 8", "::ffff:0.0.0.0/90", "10.0.0.0/8/8",
        "example.com/8"}) {
    EXPECT_FALSE(Range::parse(text)) << text;
  }
}

TEST(HostName, IsLowerCaseWithoutTheLastDot) {
  EXPECT_EQ(host_name("Example.COM"), "example.com");
  EXPECT_EQ(host_name("example.com."), "example.com");
  EXPECT_EQ(host_name("localhost"), "localhost");
  EXPECT_EQ(host_name("_dmarc.xn--bcher-kva.example"), "_dmarc.xn--bcher-kva.example");
  EXPECT_EQ(host_name("1.2.3.4.example"), "1.2.3.4.example");
  EXPECT_TRUE(host_name(std::string(63, 'a') + ".com"));
}

TEST(HostName, IsNoAddressInDisguise) {
  for (const std::string_view text :
       {"0x7f.1", "127.1", "2130706433", "127.0.0.1.", "127.0.0.1", "0177.0.0.1", "017700000001",
        "0x7f000001", "0X7F000001", "0x", "example.0x7f", "127.0.0.0x1", "1.2.3.4.5", "example.1",
        "0", "08"}) {
    EXPECT_FALSE(host_name(text)) << text;
  }
}

TEST(HostName, IsAHostName) {
  for (const std::string_view text :
       {"", ".", "..", "a..b", ".a", "a.com..", "-a.com", "a-.com", "a b", "a@b", "a/b", "a%2eb",
        "a:80", "ex\xc3\xa4mple.com", "a\n", "*", "*.example.com", "[::1]"}) {
    EXPECT_FALSE(host_name(text)) << text;
  }
  EXPECT_FALSE(host_name(std::string_view("a.com\0.b", 8)));
  EXPECT_FALSE(host_name(std::string(64, 'a') + ".com"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_TRUE(host_name(longest + "a"));
  EXPECT_FALSE(host_name(longest + "aa"));
}

TEST(Authority, IsHostAndPort) {
  EXPECT_EQ(parse_authority("Example.com:443", 0)->host, "Example.com");
  EXPECT_EQ(parse_authority("Example.com:443", 0)->port, 443);
  EXPECT_EQ(parse_authority("[::1]:80", 0)->host, "::1");
  EXPECT_EQ(parse_authority("example.com", 80)->port, 80);
  EXPECT_EQ(parse_authority("0x7f.1:80", 0)->host, "0x7f.1");
  for (const std::string_view text : {"",
                                      ":80",
                                      "a",
                                      "a:",
                                      "a:0",
                                      "a:65536",
                                      "a:-1",
                                      "a:+1",
                                      "a:80x",
                                      "a:80:80",
                                      "u@a:80",
                                      "u:p@a:80",
                                      "[::1",
                                      "[::1]",
                                      "[::1]80",
                                      "[]:80",
                                      "[1.2.3.4]:80",
                                      "[a]:80",
                                      "::1:80",
                                      "a b:80",
                                      "a%41:80",
                                      "[fe80::1%25lo]:80",
                                      "a/:80",
                                      "a\t:80",
                                      "\xff:80",
                                      "a:0x50",
                                      "a: 80"}) {
    EXPECT_FALSE(parse_authority(text, 0)) << text;
  }
}

TEST(AllowList, HasNamesWithPorts) {
  const AllowList list = list_of({"Example.com:443", "any.example:*"});
  EXPECT_TRUE(allows(list, "example.com", 443));
  EXPECT_TRUE(allows(list, "EXAMPLE.com.", 443));
  EXPECT_FALSE(allows(list, "example.com", 80));
  EXPECT_FALSE(allows(list, "www.example.com", 443));
  EXPECT_FALSE(allows(list, "example.co", 443));
  EXPECT_TRUE(allows(list, "any.example", 1));
  EXPECT_TRUE(allows(list, "any.example", 65535));
  EXPECT_TRUE(list.lists_name("example.com"));
  EXPECT_FALSE(list.lists_name("other.example"));
}

TEST(AllowList, HasAddressesWithPorts) {
  const AllowList list = list_of({"10.0.0.0/8:5432", "1.2.3.4:80", "[fd00::/8]:*", "[::1]:80"});
  EXPECT_TRUE(allows(list, "10.9.9.9", 5432));
  EXPECT_TRUE(allows(list, "::ffff:10.9.9.9", 5432));
  EXPECT_FALSE(allows(list, "10.9.9.9", 80));
  EXPECT_FALSE(allows(list, "11.0.0.0", 5432));
  EXPECT_TRUE(allows(list, "1.2.3.4", 80));
  EXPECT_FALSE(allows(list, "1.2.3.4.", 80));
  EXPECT_FALSE(allows(list, "0x1.2.3.4", 80));
  EXPECT_TRUE(allows(list, "fd12::1", 22));
  EXPECT_TRUE(allows(list, "::1", 80));
  EXPECT_FALSE(allows(list, "127.0.0.1", 80));
}

TEST(AllowList, KeepsNamesAndAddressesApart) {
  const AllowList names = list_of({"localhost:80"});
  EXPECT_FALSE(allows(names, "127.0.0.1", 80));
  EXPECT_FALSE(allows(names, "::1", 80));
  const AllowList everything = list_of({"0.0.0.0/0:*", "[::/0]:*"});
  EXPECT_FALSE(allows(everything, "example.com", 80));
  EXPECT_TRUE(allows(everything, "127.0.0.1", 80));
}

TEST(AllowList, TakesResolvedAddressesThatArePublicOrListed) {
  const AllowList list = list_of({"name.example:*", "10.1.0.0/16:80"});
  EXPECT_TRUE(list.allows_resolved(address("8.8.8.8"), 443));
  EXPECT_TRUE(list.allows_resolved(address("2606:4700::1"), 443));
  EXPECT_FALSE(list.allows_resolved(address("127.0.0.1"), 80));
  EXPECT_FALSE(list.allows_resolved(address("::ffff:127.0.0.1"), 80));
  EXPECT_FALSE(list.allows_resolved(address("::127.0.0.1"), 80));
  EXPECT_FALSE(list.allows_resolved(address("64:ff9b::808:808"), 80));
  EXPECT_FALSE(list.allows_resolved(address("2002:808:808::1"), 80));
  EXPECT_TRUE(list.allows_resolved(address("10.1.2.3"), 80));
  EXPECT_FALSE(list.allows_resolved(address("10.1.2.3"), 81));
}

TEST(AllowList, RefusesEntriesThatAreNone) {
  AllowList list;
  for (const std::string_view entry :
       {"",      "a",      "a:",           ":80",      "a:0",           "a:65536",      "a:**",
        "*:80",  "*.a:80", "0x7f.1:80",    "127.1:80", "1.2.3.4/33:80", "1.2.3.4/8:80", "::1:80",
        "[::1]", "[a]:80", "[1.2.3.4]:80", "a b:80",   "a:80 ",         "a:80:*"}) {
    EXPECT_FALSE(list.add(entry)) << entry;
  }
}

}  // namespace
}  // namespace sandpit::egress
