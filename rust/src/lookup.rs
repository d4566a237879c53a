//! wasi:sockets/ip-name-lookup for the names that are allowed only, in place of Wasmtime's.

use crate::network::Network;
use crate::wasi::State;
use std::collections::HashMap;
use std::net::IpAddr;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress};
use wasmtime_wasi::p2::{DynPollable, SocketError};
use wasmtime_wasi::sockets::{WasiSocketsCtxView, WasiSocketsView};

/// The open look-ups of a run: which name each is about.
pub type Pending = HashMap<u32, String>;

pub struct Lookup<'a> {
    sockets: WasiSocketsCtxView<'a>,
    network: Option<&'a Network>,
    pending: &'a mut Pending,
}

struct HasLookup;

impl HasData for HasLookup {
    type Data<'a> = Lookup<'a>;
}

/// The linker must allow shadowing.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    ip_name_lookup::add_to_linker::<State, HasLookup>(linker, |state| {
        let State { wasi, network, pending, .. } = state;
        Lookup { sockets: wasi.sockets(), network: network.as_deref(), pending }
    })
}

// Look-ups share the network's resource and errors, which stay Wasmtime's.
impl network::Host for Lookup<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets.convert_error_code(error)
    }
    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets.network_error_code(error)
    }
}

impl network::HostNetwork for Lookup<'_> {
    fn drop(&mut self, this: Resource<network::Network>) -> wasmtime::Result<()> {
        network::HostNetwork::drop(&mut self.sockets, this)
    }
}

impl Host for Lookup<'_> {
    fn resolve_addresses(
        &mut self,
        network: Resource<network::Network>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let Some(rules) = self.network else { return Err(ErrorCode::AccessDenied.into()) };
        if !rules.allows_name(&name) {
            let shown: String = name.chars().take(255).collect();
            rules.deny(format!("look up {shown}"));
            return Err(ErrorCode::AccessDenied.into());
        }
        let stream = self.sockets.resolve_addresses(network, name.clone())?;
        self.pending.insert(stream.rep(), name);
        Ok(stream)
    }
}

impl HostResolveAddressStream for Lookup<'_> {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let name = self.pending.get(&stream.rep()).cloned();
        let address = self.sockets.resolve_next_address(stream)?;
        if let (Some(network), Some(name), Some(address)) = (self.network, name, address) {
            let ip = match address {
                IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
                IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
            };
            network.learn(&name, ip);
        }
        Ok(address)
    }

    fn subscribe(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.sockets.subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.pending.remove(&stream.rep());
        HostResolveAddressStream::drop(&mut self.sockets, stream)
    }
}
