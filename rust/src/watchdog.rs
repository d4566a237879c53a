//! One thread that stops a computing guest at its deadline or when its CPU time is used up. It is
//! made for the first run that needs it and kept.

use crate::report::End;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wasmtime::Engine;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fired {
    Deadline,
    CpuTime,
}

pub fn clock_us(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid place for the result.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec * 1_000_000 + time.tv_nsec / 1000
}

struct Armed {
    /// None: nothing of a guest runs yet.
    engine: Option<Engine>,
    deadline_us: i64,
    /// Of CLOCK_PROCESS_CPUTIME_ID.
    cpu_end_us: i64,
    /// Called instead of moving the epoch.
    expired: Option<extern "C" fn(u8)>,
}

impl Armed {
    fn due(&self) -> Option<Fired> {
        if clock_us(libc::CLOCK_MONOTONIC) >= self.deadline_us {
            return Some(Fired::Deadline);
        }
        let used_up = self.cpu_end_us != i64::MAX
            && clock_us(libc::CLOCK_PROCESS_CPUTIME_ID) >= self.cpu_end_us;
        used_up.then_some(Fired::CpuTime)
    }

    /// When it could be due at the earliest, with one thread computing.
    fn next_look(&self) -> i64 {
        let now = clock_us(libc::CLOCK_MONOTONIC);
        if self.cpu_end_us == i64::MAX {
            return self.deadline_us;
        }
        let left = self.cpu_end_us - clock_us(libc::CLOCK_PROCESS_CPUTIME_ID);
        self.deadline_us.min(now + left.max(500))
    }
}

#[derive(Default)]
struct State {
    armed: Option<Armed>,
    fired: Option<Fired>,
    /// When the thread looks next.
    wakes_us: i64,
    has_thread: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub struct Watchdog(Arc<Shared>);

impl Watchdog {
    pub fn new() -> Watchdog {
        Watchdog(Arc::default())
    }

    /// Zero stands for no limit. When one is reached the engine's epoch moves, or `expired` ends
    /// the process.
    pub fn arm(
        &self,
        engine: Option<&Engine>,
        deadline_us: i64,
        cpu_us: i64,
        expired: Option<extern "C" fn(u8)>,
    ) -> std::io::Result<()> {
        let mut state = self.0.lock();
        state.fired = None;
        state.armed = None;
        if deadline_us == 0 && cpu_us == 0 {
            return Ok(());
        }
        let cpu_end_us = match cpu_us {
            0 => i64::MAX,
            limit => clock_us(libc::CLOCK_PROCESS_CPUTIME_ID).saturating_add(limit),
        };
        let deadline_us = if deadline_us == 0 { i64::MAX } else { deadline_us };
        let armed = Armed { engine: engine.cloned(), deadline_us, cpu_end_us, expired };
        let next = armed.next_look();
        state.armed = Some(armed);
        if !state.has_thread {
            let shared = Arc::clone(&self.0);
            std::thread::Builder::new().stack_size(64 << 10).spawn(move || watch(&shared))?;
            state.has_thread = true;
        } else if next < state.wakes_us {
            self.0.changed.notify_one();
        }
        Ok(())
    }

    /// No epoch moves after this. What it did, if it did.
    pub fn disarm(&self) -> Option<Fired> {
        let mut state = self.0.lock();
        state.armed = None;
        state.fired.take()
    }
}

fn watch(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        let mut next = i64::MAX;
        if let Some(armed) = &state.armed {
            match armed.due() {
                Some(fired) => {
                    if let Some(expired) = armed.expired {
                        expired(match fired {
                            Fired::Deadline => End::Deadline as u8,
                            Fired::CpuTime => End::CpuTime as u8,
                        });
                    }
                    if let Some(engine) = &armed.engine {
                        engine.increment_epoch();
                    }
                    state.fired = Some(fired);
                    state.armed = None;
                }
                None => next = armed.next_look(),
            }
        }
        state.wakes_us = next;
        state = if next == i64::MAX {
            shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
        } else {
            let pause = (next - clock_us(libc::CLOCK_MONOTONIC)).max(0) as u64;
            let pause = Duration::from_micros(pause + 1);
            shared.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0
        };
    }
}
