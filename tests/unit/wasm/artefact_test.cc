// The compiled form that the trusted side keeps.
#include "unit/wasm/worker_driver.h"

namespace sandpit::wasm::testing {
namespace {

class Artefacts : public WorkerTest {};

const char* const kHello = R"((module
  (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\03\00\00\00hi\n")
  (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))))";

UniqueFd stored(Given given) {
  UniqueFd artefact = *memory_file("artefact");
  given.artefact = Artefact::kStore;
  given.artefact_fd = artefact.get();
  const Ended ended = run(given);
  EXPECT_TRUE(ended.report.stored);
  EXPECT_FALSE(ended.report.loaded);
  EXPECT_TRUE(is_sealed(artefact.get()));
  return artefact;
}

Ended loaded(Given given, int artefact) {
  given.artefact = Artefact::kLoad;
  given.artefact_fd = artefact;
  return run(given);
}

TEST_F(Artefacts, AreStoredSealedAndLoaded) {
  const UniqueFd artefact = stored(given(kHello));
  const Ended ended = loaded(given(kHello), artefact.get());
  EXPECT_TRUE(ended.report.loaded) << ended.report.message;
  EXPECT_EQ(ended.report.compile_us, 0);
  EXPECT_EQ(ended.report.compiler, "cranelift");
  EXPECT_EQ(ended.out, "hi\n");
}

TEST_F(Artefacts, AreSealedBeforeTheGuestRuns) {
  // The limit of file sizes comes after the artefact is written, and the module traps at its start.
  Given trapping = given("(module (func $s unreachable) (start $s) (func (export \"_start\")))");
  trapping.bounds.file_size = 1;
  UniqueFd artefact = *memory_file("artefact");
  trapping.artefact = Artefact::kStore;
  trapping.artefact_fd = artefact.get();
  const Ended ended = run(trapping);
  EXPECT_EQ(ended.report.trap, "unreachable");
  EXPECT_TRUE(ended.report.stored);
  EXPECT_TRUE(is_sealed(artefact.get()));
}

TEST_F(Artefacts, OfComponentsToo) {
  const char* const component =
      R"((component (core module $m (func (export "f") (result i32) (i32.const 6)))
    (core instance $i (instantiate $m)) (func (export "f") (result u32) (canon lift (core func $i "f")))))";
  Given call = given(component);
  call.plan.invoke = "f";
  const UniqueFd artefact = stored(call);
  const Ended ended = loaded(call, artefact.get());
  EXPECT_TRUE(ended.report.loaded);
  EXPECT_EQ(ended.out, "6\n");
}

TEST_F(Artefacts, ThatAreCorruptOrForeignAreIgnored) {
  const std::string good = bytes_of(stored(given(kHello)).get());
  std::string other_machine = good;
  const std::size_t target = good.find("-unknown-linux");
  ASSERT_NE(target, std::string::npos);
  other_machine[target - 1] = 'X';
  for (const std::string& bytes : {std::string(), std::string("nonsense"), good.substr(0, 100),
                                   good.substr(0, good.size() / 2), other_machine}) {
    const UniqueFd file = *sealed_memory_file("artefact", bytes);
    const Ended ended = loaded(given(kHello), file.get());
    EXPECT_FALSE(ended.report.loaded) << bytes.size();
    EXPECT_EQ(ended.out, "hi\n") << bytes.size();
  }
  // Compiled for other settings.
  Given counted = given(kHello);
  counted.plan.fuel = 100'000;
  const UniqueFd file = *sealed_memory_file("artefact", good);
  const Ended ended = loaded(counted, file.get());
  EXPECT_FALSE(ended.report.loaded);
  EXPECT_EQ(ended.out, "hi\n");
}

}  // namespace
}  // namespace sandpit::wasm::testing
