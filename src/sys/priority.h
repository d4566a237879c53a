// Who goes first when the processors are busy: sched(7), "The autogroup feature" and "Nice".
#pragma once

namespace sandpit::sys {

// The nice value of this process, -20 to 19.
[[nodiscard]] int nice_value();

// This thread, and those that it makes, get about nine times the share of an ordinary process
// (nice -10, or less when the caller has less), where the caller may ask for that (CAP_SYS_NICE, or
// RLIMIT_NICE); otherwise nothing changes. Children inherit the nice value. Where the kernel groups
// by session (autogroup) it counts inside of the session only, so the session gets the same; call
// setsid(2) first, and children that call it get an ordinary group.
void go_first();

}  // namespace sandpit::sys
