//! The state of one run: its WASI context and its limits.

use crate::capture::Capture;
use crate::limits::Limits;
use crate::lookup::Pending;
use crate::network::Network;
use crate::settings::{Capability, Preopen, Request, Settings, Streams};
use crate::stdio::{Input, Output};
use std::sync::Arc;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder, WasiCtxView, WasiView};

pub struct State {
    pub wasi: WasiP1Ctx,
    pub limits: Limits,
    pub network: Arc<Network>,
    pub pending: Pending,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.ctx()
    }
}

impl State {
    /// Of a store that runs nothing.
    pub fn idle(settings: &Settings) -> State {
        State {
            wasi: WasiCtxBuilder::new().build_p1(),
            limits: Limits::new(settings, 0),
            network: Arc::new(Network::new(false, &[])),
            pending: Pending::new(),
        }
    }
}

/// The outputs of a run: the worker's own text (results of `invoke`) goes there too.
pub struct Outputs {
    pub out: Output,
    pub err: Output,
}

impl Outputs {
    /// Whether or not the guest may write, the outcome of `invoke` is printed.
    pub fn new(streams: &Streams) -> Outputs {
        match streams {
            Streams::Descriptors => {
                Outputs { out: Output::Descriptor(1), err: Output::Descriptor(2) }
            }
            Streams::Memory { output, .. } => Outputs {
                out: Output::Memory(Capture::new(*output)),
                err: Output::Memory(Capture::new(*output)),
            },
        }
    }
}

/// A file can't be preopened: its directory is, which in a jail holds what is granted and no more.
fn directory_of(preopen: &Preopen) -> (&str, &str) {
    let parent = |path: &'_ str| path.rfind('/').map_or(0, |at| at.max(1));
    match std::path::Path::new(&preopen.inside).is_file() {
        false => (&preopen.inside, &preopen.guest),
        true => {
            let (inside, guest) = (&preopen.inside, &preopen.guest);
            let guest = match parent(guest) {
                0 => ".",
                end => &guest[..end],
            };
            (&inside[..parent(inside)], guest)
        }
    }
}

fn preopen(builder: &mut WasiCtxBuilder, preopens: &[Preopen]) -> wasmtime::Result<()> {
    for (index, preopen) in preopens.iter().enumerate() {
        let (inside, guest) = directory_of(preopen);
        let is_file = inside != preopen.inside;
        let known = |earlier: &Preopen| directory_of(earlier) == (inside, guest);
        if is_file && preopens[..index].iter().any(known) {
            continue;
        }
        if is_file && inside == "/" {
            return Err(wasmtime::Error::msg(format!(
                "{} is a file in the root of the jail: grant a directory",
                preopen.guest
            )));
        }
        // Of several grants in one directory; what is granted read-only is mounted so, too.
        let writable = preopens.iter().any(|other| other.writable && known(other));
        let permissions = if writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        builder.preopened_dir(inside, guest, permissions).map_err(|error| {
            error.context(format!("can't open the preopened directory {}", preopen.guest))
        })?;
    }
    Ok(())
}

pub fn state(
    settings: &Settings,
    network: &Arc<Network>,
    request: &mut Request,
    outputs: &Outputs,
) -> wasmtime::Result<State> {
    let mut builder = WasiCtxBuilder::new();
    if settings.has(Capability::Args) {
        builder.args(&request.args);
    }
    if settings.has(Capability::Env) {
        for entry in &request.env {
            let (key, value) = entry.split_once('=').unwrap_or((entry, ""));
            builder.env(key, value);
        }
    }
    if settings.has(Capability::Stdin) {
        match &mut request.streams {
            Streams::Descriptors => builder.stdin(Input::new(0)),
            Streams::Memory { input, .. } => {
                builder.stdin(MemoryInputPipe::new(std::mem::take(input)))
            }
        };
    }
    let granted = |capability: Capability, output: &Output| match settings.has(capability) {
        true => output.clone(),
        false => Output::Off(capability.key(), Arc::clone(network)),
    };
    builder.stdout(granted(Capability::Stdout, &outputs.out));
    builder.stderr(granted(Capability::Stderr, &outputs.err));
    builder.allow_blocking_current_thread(true); // files need no other thread
    preopen(&mut builder, &settings.preopens)?;
    if network.is_on() {
        let network = Arc::clone(network);
        builder.allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
        builder.socket_addr_check(move |address, way| {
            let allowed = network.allows(address, way);
            Box::pin(async move { allowed })
        });
    }
    Ok(State {
        wasi: builder.build_p1(),
        limits: Limits::new(settings, request.memory),
        network: Arc::clone(network),
        pending: Pending::new(),
    })
}
