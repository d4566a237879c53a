//! Wasmtime for the jailed worker. `include/sandpit_wasm.h` is the interface; `ffi` implements it.

mod capture;
mod describe;
mod engine;
mod features;
mod ffi;
mod invoke;
mod limits;
mod link;
mod load;
mod lookup;
mod network;
mod report;
mod run;
mod screen;
mod settings;
mod sleep;
mod stdio;
mod traps;
mod types;
mod values;
mod wasi;
mod watchdog;
