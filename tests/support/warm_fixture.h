// What the tests of warm runs need of the host, and the Sandbox that they use.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sandpit/sandbox.h"
#include "support/slowness.h"

namespace sandpit::test {

class WarmFixture : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "needs python3";
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "needs a build with warm starts (no sanitizer)";
#endif
  }

  // `denied`: system calls.
  static Sandbox make(const TemplateOptions& templates = {},
                      const std::vector<std::string>& denied = {},
                      const std::vector<std::string>& runtime_directories = {}) {
    Config config = Config::defaults();
    config.settings().security.allow_degraded = {"all"};
    config.settings().security.deny_syscalls = denied;
    auto sandbox = Sandbox::create(
        config, {.runtime_directories = runtime_directories, .warm = {.templates = templates}});
    EXPECT_TRUE(sandbox) << sandbox.error().to_string();
    return std::move(*sandbox);
  }

  static Request hello(const std::string& text = "print('hello')") {
    return {.source = SourceText{.text = text, .name = "main.py"}};
  }

  static Outcome run(const Sandbox& sandbox, const Request& request) {
    auto outcome = sandbox.run(request);
    EXPECT_TRUE(outcome) << outcome.error().to_string();
    return outcome ? std::move(*outcome) : Outcome{};
  }

  // The first run like this one that starts warm; a cold one, where none ever does.
  static Outcome run_warm(const Sandbox& sandbox, const Request& request) {
    Outcome outcome;
    (void)comes_true([&] {
      outcome = run(sandbox, request);
      return outcome.start == "warm";
    });
    return outcome;
  }

  // The only shape that is used; empty counts when there is none.
  static TemplateCounts counts(const Sandbox& sandbox) {
    const auto all = sandbox.template_counts();
    EXPECT_TRUE(all) << all.error().to_string();
    EXPECT_LE(all->size(), 1U);
    return all->empty() ? TemplateCounts{} : all->front();
  }

  static bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 500 * slowness(); ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
};

}  // namespace sandpit::test
