//! Which addresses and names a guest may use, and what it was denied.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wasmtime_wasi::sockets::SocketAddrUse;

const MOST_DENIED: usize = 64;
/// Looked-up addresses that are remembered: far more than an honest guest asks for.
const MOST_KNOWN: usize = 4096;

enum Hosts {
    Any,
    Network(IpAddr, u8),
    Name(String),
}

struct Rule {
    hosts: Hosts,
    /// None: any.
    port: Option<u16>,
}

impl Rule {
    /// "HOST:PORT", "10.0.0.0/8:5432", "[::1]:80", "HOST:*"; without a port: any.
    fn parse(text: &str) -> Option<Rule> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                // "[fe80::]/10:80" and "[fe80::/10]:80" are both understood.
                let (length, port) = rest.rsplit_once(':').unwrap_or((rest, "*"));
                (format!("{address}{length}"), port)
            }
            None => match text.rsplit_once(':') {
                Some((host, port)) if !host.contains(':') => (host.to_owned(), port),
                _ => (text.to_owned(), "*"),
            },
        };
        let port = if port == "*" { None } else { Some(port.parse().ok()?) };
        Some(Rule { hosts: Hosts::parse(&host)?, port })
    }
}

impl Hosts {
    fn parse(host: &str) -> Option<Hosts> {
        if host == "*" {
            return Some(Hosts::Any);
        }
        let (address, length) = match host.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (host, None),
        };
        match (address.parse::<IpAddr>(), length) {
            (Ok(ip), None) => Some(Hosts::Network(ip, if ip.is_ipv4() { 32 } else { 128 })),
            (Ok(ip), Some(length)) => Some(Hosts::Network(ip, length.parse().ok()?)),
            (Err(_), None) => Some(Hosts::Name(normal(host))),
            (Err(_), Some(_)) => None,
        }
    }
}

/// Names compare without case and without the dot of the root.
fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn contains(network: IpAddr, length: u8, ip: IpAddr) -> bool {
    fn same(a: u128, b: u128, bits: u32, length: u8) -> bool {
        let ignored = bits.saturating_sub(u32::from(length));
        a.checked_shr(ignored).unwrap_or(0) == b.checked_shr(ignored).unwrap_or(0)
    }
    match (network, ip) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32, length),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128, length),
        _ => false,
    }
}

#[derive(Default)]
struct Memory {
    denied: Vec<String>,
    /// The names whose look-up gave an address.
    names: HashMap<IpAddr, HashSet<String>>,
}

/// Its list of what was denied holds what other capabilities denied, too.
pub struct Network {
    on: bool,
    rules: Vec<Rule>,
    anything: bool,
    memory: Mutex<Memory>,
}

impl Network {
    /// No rule at all: any address. A rule that can't be understood allows nothing.
    pub fn new(on: bool, allowed: &[String]) -> Network {
        Network {
            on,
            rules: allowed.iter().filter_map(|text| Rule::parse(text)).collect(),
            anything: allowed.is_empty(),
            memory: Mutex::default(),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn allows_name(&self, name: &str) -> bool {
        let name = normal(name);
        let listed = || {
            self.rules.iter().any(|rule| match &rule.hosts {
                Hosts::Any => true,
                Hosts::Name(allowed) => *allowed == name,
                Hosts::Network(..) => false,
            })
        };
        self.on && (self.anything || name.parse::<IpAddr>().is_ok() || listed())
    }

    pub fn learn(&self, name: &str, ip: IpAddr) {
        let mut memory = self.memory();
        if memory.names.len() < MOST_KNOWN {
            memory.names.entry(ip.to_canonical()).or_default().insert(normal(name));
        }
    }

    fn is_listed(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let memory = self.memory();
        let names = memory.names.get(&ip);
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|port| port == address.port())
                && match &rule.hosts {
                    Hosts::Any => true,
                    Hosts::Network(network, length) => contains(*network, *length, ip),
                    Hosts::Name(name) => names.is_some_and(|names| names.contains(name)),
                }
        })
    }

    pub fn allows(&self, address: SocketAddr, way: SocketAddrUse) -> bool {
        // The implicit bind before a connect: no one can reach it without a listen.
        let implicit = address.ip().is_unspecified() && address.port() == 0;
        let (verb, protocol) = match way {
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind if implicit => return true,
            SocketAddrUse::TcpBind => ("bind", "tcp"),
            SocketAddrUse::TcpListen => ("listen", "tcp"),
            SocketAddrUse::TcpAccept => ("accept", "tcp"),
            SocketAddrUse::TcpConnect => ("connect", "tcp"),
            SocketAddrUse::UdpBind => ("bind", "udp"),
            SocketAddrUse::UdpSend => ("send", "udp"),
            SocketAddrUse::UdpReceive => ("receive", "udp"),
        };
        let allowed = self.on && (self.anything || self.is_listed(address));
        if !allowed {
            self.deny(format!("{verb} {address} ({protocol})"));
        }
        allowed
    }

    pub fn deny(&self, what: String) {
        let denied = &mut self.memory().denied;
        if denied.len() < MOST_DENIED && !denied.contains(&what) {
            denied.push(what);
        }
    }

    /// What was denied since the last call; forgets the names too.
    pub fn finish(&self) -> Vec<String> {
        std::mem::take(&mut *self.memory()).denied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(rules: &[&str], address: &str) -> bool {
        let rules: Vec<String> = rules.iter().map(|rule| rule.to_string()).collect();
        Network::new(&rules).allows(address.parse().unwrap(), SocketAddrUse::TcpConnect)
    }

    #[test]
    fn matches_addresses_networks_and_ports() {
        assert!(allows(&[], "1.2.3.4:5"));
        assert!(allows(&["1.2.3.4:5"], "1.2.3.4:5"));
        assert!(!allows(&["1.2.3.4:5"], "1.2.3.4:6"));
        assert!(allows(&["10.0.0.0/8:*"], "10.9.9.9:1"));
        assert!(!allows(&["10.0.0.0/8:*"], "11.0.0.1:1"));
        assert!(allows(&["[::1]:80"], "[::1]:80"));
        assert!(allows(&["[fe80::/10]:80"], "[fe81::1]:80"));
        assert!(!allows(&["nonsense/8:1"], "1.2.3.4:1"));
    }

    #[test]
    fn a_name_allows_the_addresses_that_its_look_up_gave() {
        let network = Network::new(&["example.com:443".into()]);
        let address = "93.184.216.34:443".parse().unwrap();
        assert!(!network.allows(address, SocketAddrUse::TcpConnect));
        assert!(network.allows_name("Example.com."));
        assert!(!network.allows_name("example.org"));
        network.learn("example.com", address.ip());
        assert!(network.allows(address, SocketAddrUse::TcpConnect));
        assert_eq!(network.finish(), ["connect 93.184.216.34:443 (tcp)"]);
    }
}
