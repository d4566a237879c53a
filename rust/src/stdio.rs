//! The guest's standard streams: straight read(2) and write(2), no thread in between, or memory.

use crate::capture::Capture;
use crate::network::Network;
use bytes::Bytes;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, OnceLock};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// As much as a guest may ask for in one call.
const LARGEST_READ: usize = 64 << 10;

fn stream_error(error: io::Error) -> StreamError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        StreamError::Closed
    } else {
        StreamError::LastOperationFailed(error.into())
    }
}

fn poll(fd: RawFd, events: libc::c_short, timeout: libc::c_int) -> bool {
    let mut entry = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one valid entry.
    unsafe { libc::poll(&mut entry, 1, timeout) > 0 }
}

/// Writes everything, waiting where a shared descriptor happens to be non-blocking.
pub fn write_all(fd: RawFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the slice is valid for its length.
        let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if let Ok(written) = usize::try_from(written) {
            bytes = &bytes[written..];
            continue;
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => {
                poll(fd, libc::POLLOUT, -1);
            }
            _ => return Err(error),
        }
    }
    Ok(())
}

/// Where a standard output or error stream of the guest goes.
#[derive(Clone)]
pub enum Output {
    Descriptor(RawFd),
    Memory(Capture),
    /// The capability is off: each write fails, and is told.
    Off(&'static str, Arc<Network>),
}

impl Output {
    pub fn put(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Output::Descriptor(fd) => write_all(*fd, bytes),
            Output::Memory(capture) => {
                capture.write(bytes);
                Ok(())
            }
            Output::Off(stream, denials) => {
                denials.deny(format!("write to {stream}"));
                Err(io::Error::from_raw_os_error(libc::EBADF))
            }
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        // SAFETY: isatty takes any number.
        matches!(self, Output::Descriptor(fd) if unsafe { libc::isatty(*fd) } == 1)
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink()) // of preview 3 only
    }
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes).map_err(stream_error)
    }
    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }
    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LARGEST_READ)
    }
}

struct Borrowed(RawFd);

impl AsRawFd for Borrowed {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// Standard input from a descriptor. It is read only when poll(2) says that there is something, so
/// that its O_NONBLOCK, which others share, stays as it is.
#[derive(Clone)]
pub struct Input {
    fd: RawFd,
    /// None inside: epoll does not take it (a regular file, /dev/null), it is always ready.
    watch: Arc<OnceLock<Option<AsyncFd<Borrowed>>>>,
}

impl Input {
    pub fn new(fd: RawFd) -> Input {
        Input { fd, watch: Arc::new(OnceLock::new()) }
    }

    fn is_ready(&self) -> bool {
        poll(self.fd, libc::POLLIN, 0)
    }
}

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        // SAFETY: isatty takes any number.
        unsafe { libc::isatty(self.fd) == 1 }
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty()) // of preview 3 only
    }
    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        if self.is_ready() {
            return;
        }
        let fd = self.fd;
        let watch = self.watch.get_or_init(|| {
            // SAFETY: standard input stays open as long as the process lives.
            unsafe { AsyncFd::register_with_interest(Borrowed(fd), Interest::READABLE) }.ok()
        });
        let Some(watch) = watch else { return };
        loop {
            let Ok(mut guard) = watch.readable().await else { return };
            if poll(fd, libc::POLLIN, 0) {
                return;
            }
            guard.clear_ready();
        }
    }
}

impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 || !self.is_ready() {
            return Ok(Bytes::new());
        }
        let mut buffer = vec![0; size.min(LARGEST_READ)];
        // SAFETY: the buffer is valid for its length.
        let count = unsafe { libc::read(self.fd, buffer.as_mut_ptr().cast(), buffer.len()) };
        match usize::try_from(count) {
            Ok(0) => Err(StreamError::Closed),
            Ok(count) => {
                buffer.truncate(count);
                Ok(Bytes::from(buffer))
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(Bytes::new()),
                error if error.kind() == io::ErrorKind::Interrupted => Ok(Bytes::new()),
                error => Err(stream_error(error)),
            },
        }
    }
}
