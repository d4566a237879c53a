// [runtimes.wasm]: every key, its mistakes, and what a file that was found may do with it.
#include "config/network_entry.h"
#include "config/template.h"
#include "config_fixture.h"

namespace sandpit {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class WasmConfigTest : public ConfigTest {
 protected:
  // The warnings about a found project file with this one line in [runtimes.wasm].
  [[nodiscard]] std::vector<std::string> warnings_of(std::string_view line,
                                                     std::string_view table = {}) const {
    write("project/sandbox.toml", fmt::format("[runtimes.wasm{}]\n{}\n", table, line));
    const auto config = load();
    EXPECT_TRUE(config) << config.error().to_string();
    return config ? config->warnings() : std::vector<std::string>{};
  }
};

TEST_F(WasmConfigTest, DefaultsAreThoseOfTheStruct) {
  const Config config = Config::defaults();
  const WasmSettings& wasm = config.settings().wasm;
  EXPECT_TRUE(wasm.wasi_enabled);
  EXPECT_TRUE(wasm.features.reference_types);
  EXPECT_FALSE(wasm.features.gc);
  EXPECT_TRUE(wasm.capabilities.clocks);
  EXPECT_EQ(wasm.max_table_elements, 1000000U);
  EXPECT_EQ(wasm.fuel, 0U);
  EXPECT_EQ(wasm.compiler, WasmCompiler::kAuto);
  EXPECT_TRUE(wasm.cache);
  EXPECT_EQ(wasm.cache_max_size, ByteCount::mib(512));
  EXPECT_THAT(wasm.network, IsEmpty());
  EXPECT_EQ(entry_of(config, "runtimes.wasm.allow_threads"), "false | default | ");
  EXPECT_EQ(entry_of(config, "runtimes.wasm.capabilities.stdin"), "true | default | ");
}

TEST_F(WasmConfigTest, ReadsEveryFeatureAndCapability) {
  const auto config = load_text(
      "[runtimes.wasm]\nallow_bulk_memory = false\nallow_reference_types = false\n"
      "allow_simd = false\nallow_relaxed_simd = false\nallow_multi_memory = false\n"
      "allow_memory64 = false\nallow_threads = true\nallow_tail_calls = false\n"
      "allow_exceptions = true\nallow_component_model = false\n"
      "[runtimes.wasm.capabilities]\nargs = false\nenv = false\nstdin = false\nstdout = false\n"
      "stderr = false\nclocks = false\nrandom = false\n");
  ASSERT_TRUE(config) << config.error().to_string();
  const WasmFeatures& features = config->settings().wasm.features;
  EXPECT_FALSE(features.bulk_memory || features.reference_types || features.simd ||
               features.relaxed_simd || features.multi_memory || features.memory64 ||
               features.tail_calls || features.component_model);
  EXPECT_TRUE(features.threads && features.exceptions);
  const WasmCapabilities& capabilities = config->settings().wasm.capabilities;
  EXPECT_FALSE(capabilities.args || capabilities.env || capabilities.standard_input ||
               capabilities.standard_output || capabilities.standard_error || capabilities.clocks ||
               capabilities.random);
  EXPECT_TRUE(load_text("[runtimes.wasm]\nallow_gc = true\n")->settings().wasm.features.gc);
}

TEST_F(WasmConfigTest, ReadsEveryLimitAndTheRest) {
  const auto config = load_text(
      "[runtimes.wasm]\nmax_memory_pages = 9\nmax_table_elements = 8\nmax_instances = 7\n"
      "max_tables = 6\nmax_memories = 5\nfuel = 1000000000000\ncompiler = \"winch\"\n"
      "cache = false\ncache_dir = \"missing/cache\"\ncache_max_size = \"2MiB\"\n"
      "preopens = [\"/usr\", { path = \"/tmp\", access = \"rw\", inside = \"/out\" }]\n"
      "network = [\"Example.com:443\", \"10.0.0.0/8\"]\n"
      "[runtimes.wasm.resource_limits]\nmemory_limit_mb = 64\n");
  ASSERT_TRUE(config) << config.error().to_string();
  const WasmSettings& wasm = config->settings().wasm;
  EXPECT_EQ(wasm.max_memory_pages, 9U);
  EXPECT_EQ(wasm.max_table_elements, 8U);
  EXPECT_EQ(wasm.max_instances, 7U);
  EXPECT_EQ(wasm.max_tables, 6U);
  EXPECT_EQ(wasm.max_memories, 5U);
  EXPECT_EQ(wasm.fuel, 1000000000000U);
  EXPECT_EQ(wasm.compiler, WasmCompiler::kWinch);
  EXPECT_FALSE(wasm.cache);
  EXPECT_EQ(wasm.cache_dir, path("missing/cache"));
  EXPECT_EQ(wasm.cache_max_size, ByteCount::mib(2));
  ASSERT_EQ(wasm.preopens.size(), 2U);
  EXPECT_EQ(wasm.preopens[0].host, "/usr");
  EXPECT_EQ(wasm.preopens[1].inside, "/out");
  EXPECT_EQ(wasm.preopens[1].access, Access::kReadWrite);
  EXPECT_THAT(wasm.network, ElementsAre("example.com:443", "10.0.0.0/8:*"));
  EXPECT_EQ(config->settings().runtimes.at("wasm").limits.memory, ByteCount::mib(64));
  EXPECT_EQ(entry_of(*config, "runtimes.wasm.compiler"), "\"winch\" | project | named.toml:8");
}

TEST_F(WasmConfigTest, SuggestsKeysAndTheirTable) {
  EXPECT_THAT(problems("[runtimes.wasm]\nallow_sindm = true\n"),
              ElementsAre("2:1: unknown key \"allow_sindm\" (did you mean \"allow_simd\"?)"));
  EXPECT_THAT(problems("[runtimes.wasm.capabilties]\nargs = true\n"),
              ElementsAre(HasSubstr("did you mean \"capabilities\"?")));
  EXPECT_THAT(problems("[runtimes.wasm]\nclocks = true\n"),
              ElementsAre("2:1: unknown key \"clocks\" (it belongs in "
                          "[runtimes.wasm.capabilities])"));
  EXPECT_THAT(problems("[runtimes.wasm.capabilities]\nclock = true\n"),
              ElementsAre("2:1: unknown key \"clock\" (did you mean \"clocks\"?)"));
  EXPECT_THAT(problems("[runtimes.python.capabilities]\nargs = true\n"),
              ElementsAre(StartsWith("1:18: unknown table \"capabilities\"")));
  EXPECT_THAT(problems("[resource_limits]\nfuel = 1\n"),
              ElementsAre("2:1: unknown key \"fuel\" (it belongs in [runtimes.wasm])"));
}

TEST_F(WasmConfigTest, ReportsBadValues) {
  EXPECT_THAT(problems("[runtimes.wasm]\nfuel = -1\ncompiler = \"llvm\"\n"
                       "max_instances = 0\nnetwork = [\"http://x\", \"a:1\", \"A:1\", 5]\n"),
              ElementsAre("2:8: fuel = -1 is out of range: from 0 to 1000000000000000000",
                          AllOf(StartsWith("3:12: compiler: unknown value \"llvm\""),
                                HasSubstr("auto, cranelift, winch")),
                          "4:17: max_instances = 0 is out of range: from 1 to 100000",
                          StartsWith("5:12: network: \"http://x\" is a URL"),
                          "5:31: network: \"A:1\" is listed twice",
                          "5:38: network: expected a text, found a number"));
  EXPECT_THAT(problems("[runtimes.wasm]\ncache_dir = \"named.toml\"\n"),
              ElementsAre(HasSubstr("not a directory")));
}

TEST_F(WasmConfigTest, RefusesAFeatureWithoutTheOneItBuildsOn) {
  EXPECT_THAT(problems("[runtimes.wasm]\nallow_gc = true\nallow_reference_types = false\n"
                       "allow_simd = false\nallow_relaxed_simd = true\n"),
              ElementsAre("2:12: allow_gc needs allow_reference_types, which is false (line 3)",
                          "5:22: allow_relaxed_simd needs allow_simd, which is false (line 4)"));
  EXPECT_THAT(
      problems("[runtimes.wasm]\nallow_reference_types = true\nallow_bulk_memory = false\n"),
      ElementsAre(HasSubstr("allow_reference_types needs allow_bulk_memory")));
}

TEST_F(WasmConfigTest, AFeatureGoesOffWithTheOneItBuildsOn) {
  write("system.toml", "[runtimes.wasm]\nallow_gc = true\n");
  write("user.toml", "[runtimes.wasm]\nallow_simd = false\nallow_bulk_memory = false\n");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().to_string();
  const WasmFeatures& features = config->settings().wasm.features;
  EXPECT_FALSE(features.relaxed_simd || features.reference_types || features.gc);
  EXPECT_THAT(config->warnings(),
              ElementsAre(AllOf(StartsWith("runtimes.wasm.allow_gc turned off: it needs "
                                           "allow_reference_types"),
                                HasSubstr("user.toml:3"))));
  EXPECT_EQ(entry_of(*config, "runtimes.wasm.allow_relaxed_simd"), "false | user | user.toml:2");
}

TEST_F(WasmConfigTest, RefusesWhatNeedsWasiWithoutWasi) {
  EXPECT_THAT(problems("[runtimes.wasm]\nwasi_enabled = false\nnetwork = [\"a:1\"]\n"
                       "preopens = [\"/usr\"]\n"
                       "[runtimes.wasm.capabilities]\nclocks = true\nrandom = false\n"),
              ElementsAre("3:11: network needs wasi_enabled, which is false (line 2)",
                          "4:12: preopens needs wasi_enabled, which is false (line 2)",
                          "6:10: clocks needs wasi_enabled, which is false (line 2)"));
  EXPECT_THAT(problems("[runtimes.wasm]\nwasi_enabled = false\nnetwork = []\n"), IsEmpty());
}

TEST_F(WasmConfigTest, StrictTakesEveryCapabilityPathAndAddress) {
  const auto config = load_text(
      "[runtimes.wasm]\npreopens = [\"/usr\"]\nnetwork = [\"a:1\"]\n"
      "[runtimes.wasm.capabilities]\nclocks = true\n",
      "strict");
  ASSERT_TRUE(config) << config.error().to_string();
  const WasmSettings& wasm = config->settings().wasm;
  const WasmCapabilities& capabilities = wasm.capabilities;
  EXPECT_FALSE(capabilities.args || capabilities.env || capabilities.standard_input ||
               capabilities.standard_output || capabilities.standard_error || capabilities.clocks ||
               capabilities.random);
  EXPECT_THAT(wasm.preopens, IsEmpty());
  EXPECT_THAT(wasm.network, IsEmpty());
  EXPECT_EQ(entry_of(*config, "runtimes.wasm.capabilities.clocks"), "false | profile strict | ");
}

TEST_F(WasmConfigTest, AProfileOfOnesOwnMayGiveACapabilityBack) {
  const auto config = load_text(
      "[profiles.judge]\ninherits = \"strict\"\n[profiles.judge.runtimes.wasm]\nfuel = 5\n"
      "[profiles.judge.runtimes.wasm.capabilities]\nstdout = true\n",
      "judge");
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_TRUE(config->settings().wasm.capabilities.standard_output);
  EXPECT_FALSE(config->settings().wasm.capabilities.standard_input);
  EXPECT_EQ(config->settings().wasm.fuel, 5U);
}

TEST_F(WasmConfigTest, AProjectFileThatWasFoundCanNotLoosenAnything) {
  write("user.toml",
        "[runtimes.wasm]\nwasi_enabled = false\nallow_simd = false\ncache = false\nfuel = 1000\n"
        "[runtimes.wasm.capabilities]\nclocks = false\n");
  for (const char* line :
       {"wasi_enabled = true", "allow_simd = true", "allow_threads = true", "allow_gc = true",
        "allow_exceptions = true", "max_memory_pages = 4097", "stack_size = \"513KiB\"",
        "max_table_elements = 1000001", "max_instances = 1001", "max_tables = 1001",
        "max_memories = 101", "fuel = 1001", "fuel = 0", "cache = true", "cache_dir = \"/tmp\"",
        "cache_max_size = \"1MiB\"", "preopens = [\"/usr\"]", "network = [\"a:1\"]"}) {
    const std::string key(line, std::string_view(line).find(' '));
    EXPECT_THAT(warnings_of(line),
                Contains(AllOf(HasSubstr("runtimes.wasm." + key + " = "), HasSubstr("ignored"))))
        << line;
  }
  EXPECT_THAT(warnings_of("clocks = true", ".capabilities"),
              ElementsAre(HasSubstr("runtimes.wasm.capabilities.clocks = true ignored")));
}

TEST_F(WasmConfigTest, AProjectFileThatWasFoundMayTighten) {
  write("user.toml",
        "[runtimes.wasm]\nallow_threads = true\nfuel = 1000\npreopens = [\"/usr\", \"/tmp\"]\n"
        "network = [\"a:1\", \"b:2\"]\n");
  for (const char* line :
       {"wasi_enabled = false", "allow_threads = false", "max_memory_pages = 4095", "fuel = 999",
        "max_tables = 0", "cache = false", "compiler = \"winch\"", "compiler = \"cranelift\"",
        "preopens = [\"/tmp\"]", "preopens = []", "network = [\"b:2\"]"}) {
    EXPECT_THAT(warnings_of(line), IsEmpty()) << line;
    const auto config = load();
    const std::string key(line, std::string_view(line).find(' '));
    EXPECT_THAT(entry_of(*config, "runtimes.wasm." + key), HasSubstr("| project |")) << line;
  }
  EXPECT_THAT(warnings_of("stdin = false", ".capabilities"), IsEmpty());
}

TEST_F(WasmConfigTest, FuelMayBeLimitedWhereItWasNot) {
  EXPECT_THAT(warnings_of("fuel = 5"), IsEmpty());
  EXPECT_EQ(load()->settings().wasm.fuel, 5U);
}

// An empty list lets a run with the host's network reach every address.
TEST_F(WasmConfigTest, AProjectFileThatWasFoundCanNotEmptyTheListOfAddresses) {
  write("user.toml", "[runtimes.wasm]\nnetwork = [\"a:1\"]\n");
  EXPECT_THAT(warnings_of("network = []"), ElementsAre(HasSubstr("network = [] ignored")));
}

TEST_F(WasmConfigTest, ShowsTheTemplatesDefaultsAsTheyAre) {
  const Config defaults = Config::defaults();
  for (const ConfigEntry& entry : defaults.entries()) {
    constexpr std::string_view kPrefix = "runtimes.wasm.";
    if (!entry.key.starts_with(kPrefix)) continue;
    std::string name = entry.key.substr(kPrefix.size());
    if (const auto dot = name.find('.'); dot != std::string::npos) name.erase(0, dot + 1);
    const bool example = name == "cache_dir" || name == "preopens" || name == "network" ||
                         name == "stack_size" || name == "cache_max_size";
    EXPECT_THAT(commented_template(),
                HasSubstr(example ? fmt::format("#{} = ", name)
                                  : fmt::format("#{} = {}\n", name, entry.value)));
  }
}

TEST(NetworkEntry, KeepsEveryFormWithItsPort) {
  const auto normal = [](std::string_view text) {
    const auto entry = config::network_entry(text);
    return entry ? *entry : "error: " + entry.error().message;
  };
  EXPECT_EQ(normal("example.com:443"), "example.com:443");
  EXPECT_EQ(normal("EXAMPLE.com:*"), "example.com:*");
  EXPECT_EQ(normal("localhost"), "localhost:*");
  EXPECT_EQ(normal("10.0.0.1:80"), "10.0.0.1:80");
  EXPECT_EQ(normal("10.0.0.0/8:5432"), "10.0.0.0/8:5432");
  EXPECT_EQ(normal("0.0.0.0/0"), "0.0.0.0/0:*");
  EXPECT_EQ(normal("[::1]:80"), "[::1]:80");
  EXPECT_EQ(normal("[FD00::/8]"), "[fd00::/8]:*");
}

TEST(NetworkEntry, SaysWhatIsWrong) {
  const auto problem = [](std::string_view text) {
    const auto entry = config::network_entry(text);
    return entry ? "accepted as " + *entry : entry.error().message;
  };
  EXPECT_EQ(problem(""), "\"\" is not a host name");
  EXPECT_EQ(problem(":80"), "\":80\": \"\" is not a host name");
  EXPECT_EQ(problem("a b:80"), "\"a b:80\": \"a b\" is not a host name");
  EXPECT_EQ(problem("-a:80"), "\"-a:80\": \"-a\" is not a host name");
  EXPECT_EQ(problem("*.example.com:80"),
            "\"*.example.com:80\": \"*.example.com\": names have no wildcards");
  EXPECT_EQ(problem("a:0"), "\"a:0\": \"0\" is not a port from 1 to 65535, and not *");
  EXPECT_EQ(problem("a:65536"), "\"a:65536\": \"65536\" is not a port from 1 to 65535, and not *");
  EXPECT_EQ(problem("a:"), "\"a:\": \"\" is not a port from 1 to 65535, and not *");
  EXPECT_EQ(problem("a:http"), "\"a:http\": \"http\" is not a port from 1 to 65535, and not *");
  EXPECT_EQ(problem("::1"), "\"::1\": an IPv6 address is written in brackets");
  EXPECT_EQ(problem("[::1"), "\"[::1\": a [ without its ]");
  EXPECT_EQ(problem("[::1]80"), "\"[::1]80\": \"80\" after the ]");
  EXPECT_EQ(problem("[10.0.0.1]:80"), "\"[10.0.0.1]:80\": \"10.0.0.1\" is not an IPv6 address");
  EXPECT_EQ(problem("256.0.0.1:80"), "\"256.0.0.1:80\": \"256.0.0.1\" is not an IPv4 address");
  EXPECT_EQ(problem("10.1:80"), "\"10.1:80\": \"10.1\" is not an IPv4 address");
  EXPECT_EQ(problem("10.0.0.0/33:80"), "\"10.0.0.0/33:80\": /33 is not a prefix from /0 to /32");
  EXPECT_EQ(problem("10.0.0.1/8:80"), "\"10.0.0.1/8:80\": \"10.0.0.1\" has bits beyond its /8");
  EXPECT_EQ(problem("example.com/8:80"),
            "\"example.com/8:80\": \"example.com\" is not an IPv4 address");
  EXPECT_EQ(problem("https://example.com"), "\"https://example.com\" is a URL");
}

}  // namespace
}  // namespace sandpit
