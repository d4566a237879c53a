//! The parts of wasi:sockets that stand in place of Wasmtime's: look-ups of the names that are
//! allowed only, and sockets of a network that is off, so that their denial is told.

use crate::network::Network;
use crate::wasi::State;
use std::collections::HashMap;
use std::net::IpAddr;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{
    self, Host, HostResolveAddressStream, ResolveAddressStream,
};
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode, IpAddress, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{DynPollable, SocketError, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::{WasiSocketsCtxView, WasiSocketsView};

/// The open look-ups of a run: which name each is about.
pub type Pending = HashMap<u32, String>;

pub struct Lookup<'a> {
    sockets: WasiSocketsCtxView<'a>,
    network: &'a Network,
    pending: &'a mut Pending,
}

struct HasLookup;

impl HasData for HasLookup {
    type Data<'a> = Lookup<'a>;
}

/// The linker must allow shadowing.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    ip_name_lookup::add_to_linker::<State, HasLookup>(linker, lookup)?;
    tcp_create_socket::add_to_linker::<State, HasLookup>(linker, lookup)?;
    udp_create_socket::add_to_linker::<State, HasLookup>(linker, lookup)
}

fn lookup(state: &mut State) -> Lookup<'_> {
    let State { wasi, network, pending, .. } = state;
    Lookup { sockets: wasi.sockets(), network, pending }
}

impl Lookup<'_> {
    fn allow_socket(&self, protocol: &str) -> Result<(), SocketError> {
        if self.network.is_on() {
            return Ok(());
        }
        self.network.deny(format!("socket ({protocol})"));
        Err(ErrorCode::AccessDenied.into())
    }
}

impl tcp_create_socket::Host for Lookup<'_> {
    fn create_tcp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> Result<Resource<TcpSocket>, SocketError> {
        self.allow_socket("tcp")?;
        self.sockets.create_tcp_socket(family)
    }
}

impl udp_create_socket::Host for Lookup<'_> {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> Result<Resource<UdpSocket>, SocketError> {
        self.allow_socket("udp")?;
        self.sockets.create_udp_socket(family).await
    }
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
        if !self.network.allows_name(&name) {
            let shown: String = name.chars().take(255).collect();
            self.network.deny(format!("look up {shown}"));
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
        if let (Some(name), Some(address)) = (name, address) {
            let ip = match address {
                IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
                IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => IpAddr::from([a, b, c, d, e, f, g, h]),
            };
            self.network.learn(&name, ip);
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
