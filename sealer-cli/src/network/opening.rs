//! Remembers how a server's answer began, to tell a server without TLS from a broken one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::network::boxed_io::BoxedIo;

/// A connection whose first bytes are remembered.
pub(crate) struct Opening {
    io: BoxedIo,
    first: FirstBytes,
}

/// The first bytes that came.
#[derive(Clone, Default)]
pub(crate) struct FirstBytes(Arc<Mutex<Vec<u8>>>);

impl Opening {
    pub(crate) fn new(io: BoxedIo) -> (Self, FirstBytes) {
        let first = FirstBytes::default();
        (Self { io, first: first.clone() }, first)
    }
}

impl FirstBytes {
    /// Whether they are those of an answer without TLS.
    pub(crate) fn is_http(&self) -> bool {
        self.0.lock().starts_with(HTTP)
    }

    fn add(&self, bytes: &[u8]) {
        let mut first = self.0.lock();
        let room = HTTP.len().saturating_sub(first.len());
        first.extend(bytes.iter().take(room));
    }
}

impl AsyncRead for Opening {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer);
        self.first.add(buffer.filled().get(before..).unwrap_or_default());
        read
    }
}

impl AsyncWrite for Opening {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// As Go's `tls.Conn` looks for it.
const HTTP: &[u8] = b"HTTP/";
