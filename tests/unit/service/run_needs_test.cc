#include "service/run_needs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "sandpit/config.h"
#include "sandpit/request.h"
#include "sandpit/runtime.h"
#include "sandpit/units.h"

namespace sandpit {
namespace {

class RunNeedsTest : public testing::Test {
 protected:
  RunNeedsTest() {
    add_builtin_runtimes(registry_);
    (void)load_manifests(registry_, {SANDPIT_SOURCE_DIR "/runtimes"});
  }
  [[nodiscard]] RunNeeds needs(const Request& request) const {
    return needs_of(request, config_, registry_);
  }
  Config config_ = Config::defaults();
  RuntimeRegistry registry_;
};

TEST_F(RunNeedsTest, TheRuntimeIsFoundAsTheRunFindsIt) {
  EXPECT_EQ(needs({.source = SourceText{"x"}, .runtime = "c++"}).runtime, "cpp");
  EXPECT_EQ(needs({.source = SourceText{"#!/bin/sh\n"}}).runtime, "shell");
  EXPECT_EQ(needs({.source = SourceFile{"/no/such/file.lua"}}).runtime, "lua");
  EXPECT_EQ(needs({.source = SourceText{"x"}, .runtime = "klingon"}).runtime, "");
  EXPECT_EQ(needs({.source = SourceFile{"/no/such/file"}}).runtime, "");
}

TEST_F(RunNeedsTest, AFileWithoutAnExtensionIsLookedInto) {
  const std::string path = testing::TempDir() + "sandpit-needs." + std::to_string(::getpid());
  std::ofstream(path) << "#!/usr/bin/env python3\n";
  EXPECT_EQ(needs({.source = SourceFile{path}}).runtime, "python");
  (void)std::remove(path.c_str());
}

TEST_F(RunNeedsTest, ItsMemoryIsThatOfTheRunsLimits) {
  Request request{.source = SourceText{"x"}, .runtime = "python"};
  EXPECT_EQ(needs(request).memory, config_.settings().limits.memory);
  config_.settings().runtimes["python"].limits.memory = ByteCount::mib(77);
  EXPECT_EQ(needs(request).memory, ByteCount::mib(77));
  request.limits.memory = ByteCount::mib(33);
  EXPECT_EQ(needs(request).memory, ByteCount::mib(33));
}

TEST_F(RunNeedsTest, WhatIsCompiledNeedsTheLargerOfItsTwoSteps) {
  Request request{.source = SourceText{"x"}, .runtime = "c"};
  request.limits.memory = ByteCount::mib(33);
  request.limits.compile_memory = ByteCount::mib(600);
  EXPECT_EQ(needs(request).memory, ByteCount::mib(600));
  request.limits.memory = ByteCount::mib(900);
  EXPECT_EQ(needs(request).memory, ByteCount::mib(900));
}

}  // namespace
}  // namespace sandpit
