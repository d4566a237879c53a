/* Wasmtime as the jailed worker (src/engine/wasm/worker_main.cc) uses it. Implemented in rust/src/.
 *
 * One host per process; one thread calls it. Nothing here unwinds or aborts for bad guests: what
 * goes wrong comes back as a sandpit_wasm_result. Strings are (pointer, length), UTF-8, not
 * terminated; those passed in are only read during the call.
 *
 *   sandpit_wasm_host *host;  sandpit_wasm_program *program;
 *   result = sandpit_wasm_host_new(&settings, &host);            NULL: it worked
 *   result = sandpit_wasm_load(host, &source, &program);         NULL: it worked
 *   result = sandpit_wasm_link(host, program);                   NULL: every import is granted
 *   result = sandpit_wasm_run(host, program, &run);              never NULL
 *   … read *result …  sandpit_wasm_result_free(result);
 */
#ifndef SANDPIT_WASM_H
#define SANDPIT_WASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sandpit_wasm_host sandpit_wasm_host;       /* settings, engines, clocks */
typedef struct sandpit_wasm_program sandpit_wasm_program; /* one compiled module or component */

typedef struct {
  const char *data;
  size_t size;
} sandpit_wasm_text;

typedef struct {
  const sandpit_wasm_text *items;
  size_t count;
} sandpit_wasm_texts;

/* Bits of `features`. */
enum {
  SANDPIT_WASM_BULK_MEMORY = 1 << 0,
  SANDPIT_WASM_REFERENCE_TYPES = 1 << 1,
  SANDPIT_WASM_SIMD = 1 << 2,
  SANDPIT_WASM_RELAXED_SIMD = 1 << 3,
  SANDPIT_WASM_MULTI_MEMORY = 1 << 4,
  SANDPIT_WASM_MEMORY64 = 1 << 5,
  SANDPIT_WASM_TAIL_CALLS = 1 << 6,
  SANDPIT_WASM_COMPONENT_MODEL = 1 << 7,
  SANDPIT_WASM_THREADS = 1 << 8,
  SANDPIT_WASM_EXCEPTIONS = 1 << 9,
  SANDPIT_WASM_GC = 1 << 10,
};

/* Bits of `capabilities`. */
enum {
  SANDPIT_WASM_ARGS = 1 << 0,
  SANDPIT_WASM_ENV = 1 << 1,
  SANDPIT_WASM_STDIN = 1 << 2,
  SANDPIT_WASM_STDOUT = 1 << 3,
  SANDPIT_WASM_STDERR = 1 << 4,
  SANDPIT_WASM_CLOCKS = 1 << 5,
  SANDPIT_WASM_RANDOM = 1 << 6,
};

/* Values of `compiler` and `artefact` are those of WasmCompiler and wasm::Artefact. */

typedef struct {
  sandpit_wasm_text inside; /* path in the jail */
  sandpit_wasm_text guest;
  bool writable;
} sandpit_wasm_preopen;

typedef struct {
  bool serve;      /* many runs: pooled memories, copy-on-write images */
  bool describe;   /* nothing will run: compile fast */
  bool wasi;       /* WASI may be imported */
  bool count_fuel; /* needed by every run that has fuel */
  bool network;    /* sockets work, for `allowed` or, when that is empty, for any address */
  uint8_t compiler;
  uint32_t features;
  uint32_t capabilities;
  uint64_t max_memory; /* bytes, of each linear memory */
  uint64_t stack_size;
  uint64_t max_table_elements;
  uint64_t max_instances;
  uint64_t max_tables;
  uint64_t max_memories;
  const sandpit_wasm_preopen *preopens;
  size_t preopen_count;
  sandpit_wasm_texts allowed;  /* "HOST:PORT", "10.0.0.0/8:5432", "[::1]:80", "HOST:*" */
  uint64_t *memory_high_water; /* kept with atomic stores while a guest runs; may be NULL */
  /* What happens when a limit of time is reached while the guest computes. NULL: its code looks at
   * the epoch and traps. Else its code runs at full speed, and this is called, with End::kDeadline
   * or End::kCpuTime, on another thread while the guest still computes; it must end the process. */
  void (*expired)(uint8_t end);
} sandpit_wasm_settings;

typedef struct {
  sandpit_wasm_text name;
  const uint8_t *bytes;
  size_t size;
  uint8_t artefact;
  int artefact_fd; /* stays open and the caller's */
} sandpit_wasm_source;

typedef struct {
  sandpit_wasm_texts args;
  sandpit_wasm_texts env;
  sandpit_wasm_text invoke; /* empty: the entry point */
  sandpit_wasm_texts values;
  uint64_t fuel;       /* 0: not counted */
  int64_t deadline_us; /* CLOCK_MONOTONIC; 0: none */
  int64_t cpu_us;      /* from now on, of the process; 0: no limit */
  uint64_t memory;     /* all memories and tables together; 0: no limit */
  bool captured;       /* standard streams in memory instead of descriptors 0, 1, 2 */
  sandpit_wasm_text input;
  uint64_t output; /* captured: at most so much is kept of each stream */
} sandpit_wasm_run_request;

typedef struct {
  sandpit_wasm_text message;
  sandpit_wasm_text where;
  sandpit_wasm_text hint;
} sandpit_wasm_problem;

/* The fields of wasm::Report, and the captured streams. */
typedef struct {
  uint8_t end;
  bool fuel_counted;
  bool loaded;
  bool stored;
  uint32_t exit_code;
  sandpit_wasm_text trap;
  sandpit_wasm_text message;
  const sandpit_wasm_problem *problems;
  size_t problem_count;
  uint64_t fuel_used;
  uint64_t memory_high_water;
  int64_t compile_us;
  sandpit_wasm_text compiler;
  sandpit_wasm_texts backtrace;
  sandpit_wasm_texts denied;
  sandpit_wasm_text out;
  sandpit_wasm_text err;
  uint64_t out_bytes; /* written by the guest */
  uint64_t err_bytes;
} sandpit_wasm_result;

sandpit_wasm_result *sandpit_wasm_host_new(const sandpit_wasm_settings *settings,
                                           sandpit_wasm_host **host);
void sandpit_wasm_host_free(sandpit_wasm_host *host);

/* Calls `expired` on another thread, as above, when a limit is reached before the next
 * sandpit_wasm_run or sandpit_wasm_guard: for parsing and compiling. Zeros end it. False: no thread
 * can be had. */
bool sandpit_wasm_guard(sandpit_wasm_host *host, int64_t deadline_us, int64_t cpu_us,
                        void (*expired)(uint8_t end));

/* Parses, validates and compiles, or loads the artefact. A stored artefact is written and sealed.
 */
sandpit_wasm_result *sandpit_wasm_load(sandpit_wasm_host *host, const sandpit_wasm_source *source,
                                       sandpit_wasm_program **program);
void sandpit_wasm_program_free(sandpit_wasm_program *program);

typedef struct {
  int64_t compile_us;
  bool loaded;
  bool stored;
  sandpit_wasm_text compiler; /* of the program's life */
} sandpit_wasm_compilation;

/* How the program came to be; the first run's result tells it, too. */
void sandpit_wasm_compilation_of(const sandpit_wasm_program *program,
                                 sandpit_wasm_compilation *compilation);

/* Checks every import against what is granted. Runs nothing of the guest. */
sandpit_wasm_result *sandpit_wasm_link(sandpit_wasm_host *host, sandpit_wasm_program *program);

/* Instantiates a linked program and calls its entry point or `invoke`. */
sandpit_wasm_result *sandpit_wasm_run(sandpit_wasm_host *host, sandpit_wasm_program *program,
                                      const sandpit_wasm_run_request *request);

/* `out` is one JSON object: imports, exports, memories, tables, features. The program needs no
 * link. */
sandpit_wasm_result *sandpit_wasm_describe(sandpit_wasm_host *host, sandpit_wasm_program *program,
                                           const sandpit_wasm_source *source);

void sandpit_wasm_result_free(sandpit_wasm_result *result);

#ifdef __cplusplus
}
#endif

#endif
