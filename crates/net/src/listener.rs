//! Sockets that listen: bound before anything is served, so that a port taken is one clear line
//! and port 0 is known before it is advertised.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

use crate::settings::{ListenerSettings, NetSettings};

/// Listening sockets, nothing accepted yet (the kernel queues up to the backlog).
#[derive(Debug)]
pub struct Bound {
    pub(crate) sockets: Vec<(ListenerSettings, TcpListener, SocketAddr)>,
}

impl Bound {
    /// The name and address of each socket; a host name may have several.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.sockets.iter().map(|(listener, _, address)| (listener.name.as_str(), *address))
    }

    /// The port of a listener: the one that was found when it was to be 0.
    #[must_use]
    pub fn port(&self, listener: &str) -> Option<u16> {
        self.addresses().find(|(name, _)| *name == listener).map(|(_, address)| address.port())
    }
}

/// A listener cannot be had.
#[derive(Debug)]
pub struct BindError {
    /// Its name.
    pub listener: String,
    /// Host and port as they were given.
    pub address: String,
    /// Why.
    pub source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listener, address, source } = self;
        write!(f, "listener {listener}: cannot listen on {address}: {source}")?;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                f.write_str("; another process has the port: stop it or choose another port")
            }
            io::ErrorKind::AddrNotAvailable => {
                f.write_str("; the address is not one of this machine: leave the host out to bind to all")
            }
            io::ErrorKind::PermissionDenied => f.write_str("; choose a port from 1024 up"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Binds every listener, or none. An empty host or `::` takes IPv4 and IPv6 with one socket, or
/// IPv4 alone where the machine has no IPv6; a host name is bound at each of its addresses.
///
/// # Errors
/// The first listener that cannot be had.
pub fn bind(listeners: &[ListenerSettings], settings: &NetSettings) -> Result<Bound, BindError> {
    let mut sockets = Vec::new();
    for listener in listeners {
        let failed = |source| BindError {
            listener: listener.name.clone(),
            address: format!("{}:{}", listener.host, listener.port),
            source,
        };
        sockets.extend(bind_one(listener, settings).map_err(failed)?);
    }
    Ok(Bound { sockets })
}

type OneBound = (ListenerSettings, TcpListener, SocketAddr);

fn bind_one(listener: &ListenerSettings, settings: &NetSettings) -> io::Result<Vec<OneBound>> {
    let bound = |socket: TcpListener| -> io::Result<OneBound> {
        let address = socket.local_addr()?;
        Ok((listener.clone(), socket, address))
    };
    let host = listener.host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host == "::" {
        let all = listen((Ipv6Addr::UNSPECIFIED, listener.port).into(), settings, true);
        let socket = match all {
            Err(error) if has_no_ipv6(&error) => {
                listen((Ipv4Addr::UNSPECIFIED, listener.port).into(), settings, false)?
            }
            known => known?,
        };
        return Ok(vec![bound(socket)?]);
    }
    let mut addresses: Vec<IpAddr> =
        (host, listener.port).to_socket_addrs()?.map(|address| address.ip()).collect();
    let mut seen = std::collections::BTreeSet::new();
    addresses.retain(|address| seen.insert(*address));
    let mut found: Vec<OneBound> = Vec::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        // Port 0 means one free port for all addresses of the name.
        let port = found.first().map_or(listener.port, |(_, _, first)| first.port());
        match listen((address, port).into(), settings, false) {
            Ok(socket) => found.push(bound(socket)?),
            // Names such as localhost often have an IPv6 address that the machine lacks.
            Err(error) if has_no_ipv6(&error) => last = error,
            Err(error) => return Err(error),
        }
    }
    if found.is_empty() { Err(last) } else { Ok(found) }
}

fn has_no_ipv6(error: &io::Error) -> bool {
    let unsupported = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(unsupported)
}

fn listen(address: SocketAddr, settings: &NetSettings, dual: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!dual)?;
    }
    // A restart must not wait for the old connections' last minutes.
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit both; the window scale is fixed when a connection opens.
    if let Some(bytes) = settings.receive_buffer {
        socket.set_recv_buffer_size(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    }
    if let Some(bytes) = settings.send_buffer {
        socket.set_send_buffer_size(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(settings.backlog.max(1))?;
    Ok(socket.into())
}
