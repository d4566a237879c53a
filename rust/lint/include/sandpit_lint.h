/* tree-sitter as the lint worker (src/lint/worker_main.cc) uses it. Implemented in rust/lint/src/.
 *
 * One call parses one source and runs the queries of some rules on it. A hostile source may make it
 * slow, large or, by a bug of a grammar's scanner, take it over: call it in the worker only, after
 * the worker has locked itself in. Nothing is opened, no thread is made. Texts are (pointer,
 * length), not terminated, and only read during the call.
 */
#ifndef SANDPIT_LINT_H
#define SANDPIT_LINT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char *data;
  size_t size;
} sandpit_lint_text;

/* A query of tree-sitter, whose patterns capture @finding and may capture @what and @literal. A
 * rule with `only_if` has findings only when that query matches as well, anywhere in the source;
 * one with `unless` only when that one doesn't. */
typedef struct {
  sandpit_lint_text query;
  sandpit_lint_text only_if;
  sandpit_lint_text unless;
} sandpit_lint_rule;

/* Byte offsets into the source. What was not captured is empty. */
typedef struct {
  uint32_t rule; /* index into the request's rules */
  uint32_t start, end;
  uint32_t what_start, what_end;
  uint32_t literal_start, literal_end;
} sandpit_lint_finding;

enum {
  SANDPIT_LINT_DONE = 0,
  SANDPIT_LINT_MORE = 1,      /* there are more findings than fit */
  SANDPIT_LINT_TIMED_OUT = 2, /* what was found until then is there */
  SANDPIT_LINT_BAD_QUERY = 3, /* `rule` and `message` say which and why */
  SANDPIT_LINT_UNKNOWN_LANGUAGE = 4,
};

typedef struct {
  sandpit_lint_text language; /* python, javascript, typescript, tsx, bash, c, cpp, … */
  sandpit_lint_text source;
  const sandpit_lint_rule *rules;
  size_t rule_count;
  uint64_t budget_us;             /* of wall time */
  sandpit_lint_finding *findings; /* in the order of the source */
  size_t capacity;
} sandpit_lint_request;

typedef struct {
  uint32_t status;
  uint32_t rule;
  size_t found;
  uint64_t parse_us; /* without the queries */
  size_t message_size;
  char message[256];
} sandpit_lint_result;

void sandpit_lint_run(const sandpit_lint_request *request, sandpit_lint_result *result);

#ifdef __cplusplus
}
#endif

#endif
