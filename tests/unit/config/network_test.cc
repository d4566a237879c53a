// network = { mode = …, hosts = […] }, and enable_network, the short way to say it.
#include <array>

#include "config_fixture.h"

namespace sandpit {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class NetworkConfigTest : public ConfigTest {
 protected:
  // "allow a:1 b:2", of the general table or of one runtime's.
  [[nodiscard]] static std::string network_of(const Config& config) {
    const SecuritySettings& security = config.settings().security;
    return text_of(security.network, security.hosts);
  }
  [[nodiscard]] static std::string network_of(const Config& config, const char* runtime) {
    const auto found = config.settings().runtimes.find(runtime);
    if (found == config.settings().runtimes.end() || !found->second.security.network) return "-";
    const SecurityOverrides& security = found->second.security;
    return text_of(*security.network, security.hosts.value_or(std::vector<std::string>{}));
  }
  [[nodiscard]] std::string network_of(std::string_view text,
                                       const std::string& profile = {}) const {
    const auto config = load_text(text, profile);
    return config ? network_of(*config) : config.error().to_string();
  }
  // Of a user's file and a project's that was found; the warnings follow.
  [[nodiscard]] std::string network_with(std::string_view project) const {
    write("project/sandbox.toml", project);
    const auto config = load();
    if (!config) return config.error().to_string();
    std::string text = network_of(*config);
    if (!config->warnings().empty()) text += " ignored";
    return text;
  }

 private:
  static std::string text_of(NetworkMode mode, const std::vector<std::string>& hosts) {
    std::string text =
        std::array{"none", "loopback", "allow", "host"}.at(static_cast<std::size_t>(mode));
    for (const std::string& host : hosts) text += " " + host;
    return text;
  }
};

TEST_F(NetworkConfigTest, ReadsEveryMode) {
  EXPECT_EQ(network_of(""), "none");
  EXPECT_EQ(network_of("[security]\nnetwork = { mode = \"none\" }\n"), "none");
  EXPECT_EQ(network_of("[security]\nnetwork = { mode = \"loopback\" }\n"), "loopback");
  EXPECT_EQ(network_of("[security.network]\nmode = \"host\"\n"), "host");
  EXPECT_EQ(network_of("[security]\nenable_network = true\n"), "host");
  EXPECT_EQ(network_of("[security]\nenable_network = false\n"), "none");
  EXPECT_EQ(network_of("[security]\nnetwork = { hosts = [\"PyPI.org:443\", \"10.0.0.0/8:5432\", "
                       "\"[::1]:80\", \"db\"], mode = \"allow\" }\n"),
            "allow pypi.org:443 10.0.0.0/8:5432 [::1]:80 db:*");
}

TEST_F(NetworkConfigTest, ShowsOneEntryWhicheverKeyWasUsed) {
  EXPECT_EQ(entry_of(Config::defaults(), "security.network"), "{ mode = \"none\" } | default | ");
  auto config = load_text("[security]\nenable_network = true\n");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(entry_of(*config, "security.network"), "{ mode = \"host\" } | project | named.toml:2");
  EXPECT_EQ(entry_of(*config, "security.enable_network"), "none");
  config =
      load_text("[runtimes.python]\nnetwork = { mode = \"allow\", hosts = [\"a:1\", \"b\"] }\n");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(entry_of(*config, "runtimes.python.security.network"),
            "{ mode = \"allow\", hosts = [\"a:1\", \"b:*\"] } | project | named.toml:2");
}

TEST_F(NetworkConfigTest, ARuntimeHasOneOfItsOwn) {
  const auto config = load_text(
      "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n"
      "[runtimes.python]\nnetwork = { mode = \"loopback\" }\n"
      "[runtimes.ruby.security]\nnetwork = { mode = \"allow\", hosts = [\"b:2\"] }\n"
      "[runtimes.lua]\nnetwork = { mode = \"allow\" }\n"
      "[runtimes.perl.security]\nenable_network = true\n"
      "[runtimes.wasm.security]\nnetwork = { mode = \"allow\", hosts = [\"c:3\"] }\n");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(network_of(*config), "allow a:1");
  EXPECT_EQ(network_of(*config, "python"), "loopback");
  EXPECT_EQ(network_of(*config, "ruby"), "allow b:2");
  EXPECT_EQ(network_of(*config, "lua"), "allow");
  EXPECT_EQ(config->settings().runtimes.at("lua").security.hosts, std::nullopt);
  EXPECT_EQ(network_of(*config, "perl"), "host");
  EXPECT_EQ(network_of(*config, "wasm"), "allow c:3");
  EXPECT_EQ(network_of(*config, "php"), "-");
}

TEST_F(NetworkConfigTest, TheLaterLayerWinsWhicheverKeyItUses) {
  write("system.toml", "[security]\nenable_network = true\n");
  write("user.toml", "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n");
  EXPECT_EQ(network_of(*load()), "allow a:1");
  EXPECT_EQ(network_of("[security]\nenable_network = true\n"), "host");
  EXPECT_EQ(network_of("[security]\nnetwork = { mode = \"loopback\" }\n"), "loopback");
  EXPECT_EQ(network_of("[security]\nnetwork = { mode = \"allow\", hosts = [\"b:2\"] }\n"),
            "allow b:2");
}

TEST_F(NetworkConfigTest, TheModeAloneKeepsTheHostsOfTheLayerBelow) {
  write("user.toml", "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n");
  EXPECT_EQ(network_of("[security]\nnetwork = { mode = \"allow\" }\n"), "allow a:1");
  write("user.toml", "[security]\nenable_network = true\n");
  EXPECT_THAT(network_of("[security]\nnetwork = { mode = \"allow\" }\n"),
              HasSubstr(":2:11: network: mode = \"allow\" with no `hosts` in effect"));
}

TEST_F(NetworkConfigTest, AProfileMayHoldIt) {
  const std::string text =
      "[profiles.online.security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n"
      "[profiles.fetch]\ninherits = \"online\"\n"
      "[profiles.fetch.runtimes.python]\nnetwork = { mode = \"allow\", hosts = [\"b:2\"] }\n";
  EXPECT_EQ(network_of(text), "none");
  EXPECT_EQ(network_of(text, "online"), "allow a:1");
  const auto config = load_text(text, "fetch");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(network_of(*config), "allow a:1");
  EXPECT_EQ(network_of(*config, "python"), "allow b:2");
  EXPECT_EQ(entry_of(*config, "security.network"),
            "{ mode = \"allow\", hosts = [\"a:1\"] } | profile online | named.toml:2");
}

TEST_F(NetworkConfigTest, StrictEndsWithNoNetworkAtAll) {
  const auto config = load_text(
      "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n"
      "[runtimes.python]\nnetwork = { mode = \"loopback\" }\n"
      "[runtimes.lua]\nnetwork = { mode = \"allow\" }\n"
      "[runtimes.wasm]\nnetwork = [\"b:2\"]\n",
      "strict");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(network_of(*config), "none");
  EXPECT_EQ(network_of(*config, "python"), "none");
  EXPECT_EQ(network_of(*config, "lua"), "none");
  EXPECT_THAT(config->settings().wasm.network, IsEmpty());
  EXPECT_EQ(entry_of(*config, "security.network"), "{ mode = \"none\" } | profile strict | ");
}

TEST_F(NetworkConfigTest, ProductionKeepsIt) {
  EXPECT_EQ(
      network_of("[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n", "production"),
      "allow a:1");
}

TEST_F(NetworkConfigTest, ReportsEveryMistakeInTheTable) {
  EXPECT_THAT(
      problems(
          "[security]\n"
          "network = { mode = \"alow\", host = [\"a:1\"] }\n"
          "[runtimes.a]\nnetwork = { mode = 1, hosts = \"a:1\" }\n"
          "[runtimes.b]\nnetwork = { mode = \"allow\", hosts = [5, \"a b\", \"c:1\", \"C:1\"] }\n"
          "[runtimes.c]\nnetwork = { }\n"
          "[runtimes.d]\nnetwork = { hosts = [\"a:1\"] }\n"
          "[runtimes.e]\nnetwork = { mode = \"host\", hosts = [\"a:1\"] }\n"
          "[runtimes.f]\nnetwork = { mode = \"allow\", hosts = [] }\n"
          "[runtimes.g]\nnetwork = [\"a:1\"]\n"
          "[runtimes.h]\nnetwork = \"loopback\"\n"
          "[runtimes.i]\nnetwork = \"allow\"\n"
          "[runtimes.j]\nnetwork = { mode = \"allow\", hosts = [\"10.0.0.0/33:1\"] }\n"),
      ElementsAre(
          "2:20: network.mode: unknown value \"alow\" (did you mean \"allow\"?)",
          "2:28: network: unknown key \"host\" (did you mean \"hosts\"?)",
          "4:20: network.mode: expected a text, found a number (put it in quotes)",
          "4:31: network.hosts: expected a list of texts, found a text",
          "6:38: network.hosts: expected a text, found a number",
          "6:41: network.hosts: \"a b\" is not a host name (HOST:PORT, 10.0.0.0/8:PORT, "
          "[::1]:PORT, or HOST:* for any port)",
          "6:55: network.hosts: \"C:1\" is listed twice",
          "8:11: network: a table without `mode` (known: none, loopback, allow, host)",
          "10:13: network: `hosts` without mode = \"allow\" "
          "(network = { mode = \"allow\", hosts = [\"HOST:PORT\"] })",
          "12:28: network: `hosts` with mode = \"host\" (hosts are for mode = \"allow\")",
          "14:29: network: `hosts` is empty (no network at all: mode = \"none\")",
          "16:11: network: expected a table, found a list "
          "(network = { mode = \"allow\", hosts = [\"HOST:PORT\"] })",
          "18:11: network: expected a table, found a text (network = { mode = \"loopback\" })",
          "20:11: network: expected a table, found a text "
          "(network = { mode = \"allow\", hosts = [\"HOST:PORT\"] })",
          "22:38: network.hosts: \"10.0.0.0/33:1\": /33 is not a prefix from /0 to /32 "
          "(HOST:PORT, 10.0.0.0/8:PORT, [::1]:PORT, or HOST:* for any port)"));
}

TEST_F(NetworkConfigTest, RefusesTheModeAllowWithoutHosts) {
  EXPECT_THAT(problems("[security]\nnetwork = { mode = \"allow\" }\n"
                       "[runtimes.python]\nnetwork = { mode = \"allow\" }\n"),
              ElementsAre("2:11: network: mode = \"allow\" with no `hosts` in effect "
                          "(network = { mode = \"allow\", hosts = [\"HOST:PORT\"] })",
                          StartsWith("4:11: network: mode = \"allow\" with no `hosts` in effect")));
}

TEST_F(NetworkConfigTest, RefusesTwoStatementsInOneFile) {
  const std::string hint =
      " (network and enable_network are two ways to say one thing: leave one out)";
  EXPECT_THAT(problems("[security]\nnetwork = { mode = \"host\" }\nenable_network = true\n"),
              ElementsAre("3:18: the network is given twice (line 2)" + hint));
  EXPECT_THAT(problems("[runtimes.python.security]\nenable_network = true\n"
                       "network = { mode = \"none\" }\n"),
              ElementsAre("3:11: the network is given twice (line 2)" + hint));
  EXPECT_THAT(problems("[runtimes.python]\nnetwork = { mode = \"none\" }\n"
                       "[runtimes.python.security]\nenable_network = true\n"),
              ElementsAre("4:18: the network is given twice (line 2)" + hint));
  EXPECT_THAT(problems("[profiles.x.security]\nenable_network = true\n"
                       "network = { mode = \"none\" }\n"),
              ElementsAre(StartsWith("3:11: the network is given twice (line 2)")));
  EXPECT_THAT(problems("[security]\nenable_network = true\n"
                       "[runtimes.python]\nnetwork = { mode = \"none\" }\n"),
              IsEmpty());
}

TEST_F(NetworkConfigTest, TheListOfModulesStaysAList) {
  EXPECT_THAT(problems("[runtimes.wasm]\nnetwork = { mode = \"host\" }\n"),
              ElementsAre("2:11: network: expected a list of texts, found a table "
                          "(a table with a mode belongs in [runtimes.wasm.security])"));
  EXPECT_THAT(problems("[runtimes.wasm]\nnetwork = [\"a:1\"]\n[runtimes.wasm.security]\n"
                       "network = { mode = \"allow\", hosts = [\"b:2\"] }\n"),
              ElementsAre("4:11: modules have a list of hosts already (line 2) (give either "
                          "runtimes.wasm.network or mode = \"allow\")"));
  EXPECT_THAT(problems("[runtimes.wasm]\nnetwork = []\n[runtimes.wasm.security]\n"
                       "network = { mode = \"allow\", hosts = [\"b:2\"] }\n"),
              IsEmpty());
}

TEST_F(NetworkConfigTest, SaysWhereItBelongs) {
  EXPECT_THAT(problems("network = { mode = \"host\" }\n"),
              ElementsAre(HasSubstr("unknown table \"network\" (it belongs in [security])")));
}

TEST_F(NetworkConfigTest, AProjectFileThatWasFoundMayOnlyGoTowardsNone) {
  const std::string none = "[security]\nnetwork = { mode = \"none\" }\n";
  const std::string loopback = "[security]\nnetwork = { mode = \"loopback\" }\n";
  const std::string one = "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n";
  const std::string two =
      "[security]\nnetwork = { mode = \"allow\", hosts = [\"b:2\", \"a:1\"] }\n";
  const std::string other = "[security]\nnetwork = { mode = \"allow\", hosts = [\"c:3\"] }\n";
  const std::string host = "[security]\nnetwork = { mode = \"host\" }\n";

  for (const std::string& more : {loopback, one, host}) {
    EXPECT_EQ(network_with(more), "none ignored") << more;
  }
  write("user.toml", loopback);
  EXPECT_EQ(network_with(none), "none");
  EXPECT_EQ(network_with(loopback), "loopback");
  EXPECT_EQ(network_with(one), "loopback ignored");
  write("user.toml", two);
  EXPECT_EQ(network_with(loopback), "loopback");
  EXPECT_EQ(network_with(one), "allow a:1");
  EXPECT_EQ(network_with("[security]\nnetwork = { mode = \"allow\" }\n"), "allow b:2 a:1");
  EXPECT_EQ(network_with(other), "allow b:2 a:1 ignored");
  EXPECT_EQ(network_with(host), "allow b:2 a:1 ignored");
  EXPECT_EQ(network_with("[security]\nenable_network = true\n"), "allow b:2 a:1 ignored");
  EXPECT_EQ(network_with("[security]\nenable_network = false\n"), "none");
  write("user.toml", host);
  EXPECT_EQ(network_with(other), "allow c:3");
  EXPECT_EQ(network_with(host), "host");
}

TEST_F(NetworkConfigTest, AProjectFileMayOnlyTightenARuntimesNetwork) {
  const auto python_with = [&](std::string_view network) {
    write("project/sandbox.toml", fmt::format("[runtimes.python]\nnetwork = {}\n", network));
    const auto config = load();
    if (!config) return config.error().to_string();
    return network_of(*config, "python") + (config->warnings().empty() ? "" : " ignored");
  };
  write("user.toml", "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\", \"b:2\"] }\n");
  EXPECT_EQ(python_with("{ mode = \"allow\", hosts = [\"b:2\"] }"), "allow b:2");
  EXPECT_EQ(python_with("{ mode = \"allow\", hosts = [\"c:3\"] }"), "- ignored");
  EXPECT_EQ(python_with("{ mode = \"allow\" }"), "allow a:1 b:2");
  EXPECT_EQ(python_with("{ mode = \"host\" }"), "- ignored");
  // A mode alone has the general hosts, and is measured by them.
  write("user.toml",
        "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\", \"b:2\"] }\n"
        "[runtimes.python]\nnetwork = { mode = \"allow\" }\n");
  EXPECT_EQ(python_with("{ mode = \"allow\", hosts = [\"b:2\"] }"), "allow b:2");
  EXPECT_EQ(python_with("{ mode = \"allow\", hosts = [\"c:3\"] }"), "allow ignored");
  write("user.toml",
        "[general]\ndefault_profile = \"mine\"\n[security]\nenable_network = true\n"
        "[profiles.mine.security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n");
  EXPECT_EQ(python_with("{ mode = \"allow\", hosts = [\"a:1\"] }"), "allow a:1");
  EXPECT_EQ(python_with("{ mode = \"allow\", hosts = [\"b:2\"] }"), "- ignored");
}

// Found by fuzz_config: the hosts that a profile's mode alone stands for are the user's.
TEST_F(NetworkConfigTest, AProjectFileDoesNotChooseTheHostsThatAModeAloneStandsFor) {
  write("user.toml",
        "[general]\ndefault_profile = \"mine\"\n"
        "[security]\nnetwork = { mode = \"allow\", hosts = [\"a:1\", \"b:2\"] }\n"
        "[runtimes.python]\nnetwork = { mode = \"allow\", hosts = [\"a:1\"] }\n"
        "[profiles.mine.runtimes.python]\nnetwork = { mode = \"allow\" }\n");
  for (const char* more :
       {"", "[profiles.mine.runtimes.python]\nnetwork = { mode = \"allow\" }\n"}) {
    write("project/sandbox.toml",
          fmt::format("[runtimes.python]\nnetwork = {{ mode = \"none\" }}\n{}", more));
    const auto config = load();
    ASSERT_TRUE(config) << config.error().to_string();
    EXPECT_EQ(network_of(*config, "python"), "allow a:1");
  }
}

TEST_F(NetworkConfigTest, WhatIsIgnoredIsTold) {
  const std::string file = write("project/sandbox.toml",
                                 "[security]\nnetwork = { mode = \"allow\", hosts = [\"a\"] }\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->warnings(),
              ElementsAre(AllOf(
                  StartsWith(file + ":2:11: security.network = { mode = \"allow\", hosts = "
                                    "[\"a:*\"] } ignored: it gives more than the layers below"),
                  HasSubstr("sandpit trust " + path("project")))));
}

}  // namespace
}  // namespace sandpit
