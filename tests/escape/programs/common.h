// Words for the hostile programs: each attempt tells what happened; the last line is the verdict.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
static int escapes, attempts;
static long attempt(const char* what, long result) {
  ++attempts;
  if (result >= 0) {
    ++escapes;
    printf("%s: succeeded\n", what);
  } else
    printf("%s: %s\n", what, strerror(errno));
  return result;
}
// For calls with an argument that is wrong on purpose, so that nothing happens: whoever may call it
// learns of the wrong argument, whoever may not is turned away before.
static void reached(const char* what, long result) {
  ++attempts;
  const int error = result >= 0 ? 0 : errno;
  printf("%s: %s\n", what, strerror(error));
  if (error != EPERM && error != EACCES && error != ENOSYS) ++escapes;
}
// An attempt that needs a child says nothing without one: the machine is full, or the sandbox is
// just being ended.
static pid_t child_of(void) {
  const pid_t child = fork();
  if (child < 0) {
    printf("fork: %s\n", strerror(errno));
    exit(1);
  }
  return child;
}
// A program that attempts a thing in several ways says when not all of them worked: outside of a
// jail all must, or it does not show that each is an attempt at all.
static int verdict(void) {
  if (escapes && escapes < attempts)
    printf("ESCAPED: %d of %d\n", escapes, attempts);
  else
    puts(escapes ? "ESCAPED" : "CONTAINED");
  return 0;
}
