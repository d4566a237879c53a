// Which sockets, addresses and names a list of hosts becomes.
#include "plan/egress_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

namespace sandpit {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> sockets_of(const EgressPlan& plan) {
  std::vector<std::string> texts;
  for (const EgressSocket& socket : plan.sockets) {
    std::string text = std::string(to_string(socket.kind)) + " " + ipv4_text(socket.address) + ":" +
                       std::to_string(socket.port);
    if (!socket.target.empty()) text += " " + socket.target;
    texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<std::string> names_of(const EgressPlan& plan) {
  std::vector<std::string> texts;
  for (const EgressName& name : plan.names) {
    texts.push_back(name.name + " " + ipv4_text(name.address));
  }
  return texts;
}

std::vector<std::string> networks_of(const EgressPlan& plan) {
  std::vector<std::string> texts;
  for (const EgressNetwork& network : plan.networks) {
    texts.push_back(ipv4_text(network.address) + "/" + std::to_string(network.prefix));
  }
  return texts;
}

TEST(EgressPlan, HasAProxyAndAnAnswerToLookUpsAlways) {
  EXPECT_THAT(sockets_of(plan_egress({})), ElementsAre("proxy 127.0.0.1:3128", "dns 127.0.0.1:53"));
}

TEST(EgressPlan, GivesEachNameAnAddressWithASocketForEachPort) {
  const EgressPlan plan = plan_egress({"a.org:443", "b.org:22", "a.org:80", "c.org:*"});
  EXPECT_THAT(names_of(plan),
              ElementsAre("a.org 127.77.0.1", "b.org 127.77.0.2", "c.org 127.77.0.3"));
  EXPECT_THAT(
      sockets_of(plan),
      ElementsAre("proxy 127.0.0.1:3128", "dns 127.0.0.1:53", "forward 127.77.0.1:443 a.org:443",
                  "forward 127.77.0.2:22 b.org:22", "forward 127.77.0.1:80 a.org:80",
                  "forward 127.77.0.3:80 c.org:80", "forward 127.77.0.3:443 c.org:443"));
  EXPECT_THAT(plan.networks, IsEmpty());
}

TEST(EgressPlan, MakesAddressesAndNetworksTheRunsOwn) {
  const EgressPlan plan =
      plan_egress({"1.1.1.1:443", "10.0.0.0/8:5432", "127.0.0.1:8080", "1.1.1.1:80"});
  EXPECT_THAT(networks_of(plan), ElementsAre("1.1.1.1/32", "10.0.0.0/8"));
  EXPECT_THAT(sockets_of(plan), ElementsAre("proxy 127.0.0.1:3128", "dns 127.0.0.1:53",
                                            "original 1.1.1.1:443", "original 0.0.0.0:5432",
                                            "original 127.0.0.1:8080", "original 1.1.1.1:80"));
}

TEST(EgressPlan, ANetworkAndANameMayHaveTheSamePort) {
  const EgressPlan plan = plan_egress({"10.0.0.0/8:443", "a.org:443"});
  EXPECT_THAT(sockets_of(plan),
              ElementsAre("proxy 127.0.0.1:3128", "dns 127.0.0.1:53", "original 0.0.0.0:443",
                          "forward 127.77.0.1:443 a.org:443"));
}

TEST(EgressPlan, LeavesToTheProxyWhatHasNoSocket) {
  const EgressPlan plan = plan_egress(
      {"[2001:db8::1]:80", "[fd00::/8]:*", "8.8.8.8:*", "224.0.0.1:80", "0.0.0.0/0:80"});
  EXPECT_THAT(sockets_of(plan), ElementsAre("proxy 127.0.0.1:3128", "dns 127.0.0.1:53"))
      << "and neither a multicast address nor the whole internet";
  EXPECT_THAT(networks_of(plan), IsEmpty());
  EXPECT_EQ(plan.hosts.size(), 5U);
}

TEST(EgressPlan, IsBounded) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 500; ++i) hosts.push_back("host" + std::to_string(i) + ".org:443");
  const EgressPlan plan = plan_egress(hosts);
  EXPECT_EQ(plan.sockets.size(), 64U);
  EXPECT_EQ(plan.names.size(), 62U) << "a name without a socket has no address";
  EXPECT_EQ(plan.hosts.size(), 500U);
}

TEST(EgressPlan, MakesNoNetworkTheRunsOwnThatHasNoSocket) {
  std::vector<std::string> hosts;
  for (int i = 1; i < 100; ++i) hosts.push_back("20.0.0." + std::to_string(i) + ":443");
  const EgressPlan plan = plan_egress(hosts);
  EXPECT_EQ(plan.sockets.size(), 64U);
  EXPECT_EQ(plan.networks.size(), 62U);
}

}  // namespace
}  // namespace sandpit
