//! poll_oneoff of preview 1. Wasmtime's sleeps with the thread when a clock is all that is asked for;
//! this one waits in the runtime, so that a deadline ends it. Everything else is Wasmtime's.

use crate::link::PREVIEW1;
use crate::wasi::State;
use std::time::Duration;
use wasmtime::{AsContextMut, Caller, Extern, Linker};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self, WasiSnapshotPreview1};
use wiggle::GuestMemory;

const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
const CLOCK: u8 = 0;
const ABSOLUTE: u8 = 1;

/// The linker must allow shadowing.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap_async(
        PREVIEW1,
        "poll_oneoff",
        |mut caller: Caller<'_, State>, (subscriptions, events, count, result)| {
            Box::new(async move {
                if count == 1
                    && let Some(sleep) = Sleep::read(&mut caller, subscriptions)
                {
                    tokio::time::sleep(sleep.pause).await;
                    if sleep.answer(&mut caller, events, result) {
                        return Ok(0);
                    }
                }
                general(&mut caller, (subscriptions, events, count, result)).await
            })
        },
    )?;
    Ok(())
}

/// A subscription to a clock, relative to now.
struct Sleep {
    user_data: [u8; 8],
    pause: Duration,
}

fn memory<'a>(caller: &'a mut Caller<'_, State>) -> Option<&'a mut [u8]> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Some(memory.data_mut(caller)),
        _ => None,
    }
}

fn at(bytes: &mut [u8], address: i32, size: usize) -> Option<&mut [u8]> {
    let start = address as u32 as usize;
    bytes.get_mut(start..start.checked_add(size)?)
}

impl Sleep {
    fn read(caller: &mut Caller<'_, State>, address: i32) -> Option<Sleep> {
        let bytes = at(memory(caller)?, address, SUBSCRIPTION)?;
        let timeout = u64::from_le_bytes(bytes[24..32].try_into().ok()?);
        let relative = bytes[8] == CLOCK && bytes[40] & ABSOLUTE == 0;
        relative.then(|| Sleep {
            user_data: bytes[..8].try_into().unwrap_or_default(),
            pause: Duration::from_nanos(timeout),
        })
    }

    /// False when the guest's pointers are wrong.
    fn answer(&self, caller: &mut Caller<'_, State>, events: i32, result: i32) -> bool {
        let Some(memory) = memory(caller) else { return false };
        let Some(event) = at(memory, events, EVENT) else { return false };
        event.fill(0); // no error, and an event of a clock
        event[..8].copy_from_slice(&self.user_data);
        let Some(count) = at(memory, result, 4) else { return false };
        count.copy_from_slice(&1u32.to_le_bytes());
        true
    }
}

async fn general(
    caller: &mut Caller<'_, State>,
    (subscriptions, events, count, result): (i32, i32, i32, i32),
) -> wasmtime::Result<i32> {
    let fuel = caller.as_context_mut().hostcall_fuel();
    let export = caller.get_export("memory");
    let (mut memory, wasi) = match &export {
        Some(Extern::Memory(memory)) => {
            let (memory, state) = memory.data_and_store_mut(caller);
            (GuestMemory::Unshared(memory), &mut state.wasi)
        }
        Some(Extern::SharedMemory(memory)) => {
            (GuestMemory::Shared(memory.data()), &mut caller.data_mut().wasi)
        }
        _ => return Err(wasmtime::Error::msg("missing required memory export")),
    };
    wasi.set_hostcall_fuel(fuel);
    wasi_snapshot_preview1::poll_oneoff(wasi, &mut memory, subscriptions, events, count, result)
        .await
}
