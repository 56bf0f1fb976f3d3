//! A stream whose bytes are counted until its peer is authenticated.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Connection;

/// What a request may have without being counted, in bytes: more than most have.
const FREE: usize = 8 << 10;
/// How often what was read is in memory: in the server's buffer, and as the body that is put together from it.
const COPIES: usize = 2;

/// The bytes of one connection's present request.
#[derive(Debug)]
pub struct Meter {
    connection: Connection,
    read: AtomicUsize,
}

/// A stream that breaks where there is no room for what its peer sends before it is authenticated.
#[derive(Debug)]
pub struct Metered<S> {
    stream: S,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    /// Counts what comes through `stream` against the budget of `connection`.
    pub fn new(stream: S, connection: Connection) -> Self {
        Self { stream, meter: Arc::new(Meter { connection, read: AtomicUsize::new(0) }) }
    }

    /// The meter, for those who answer.
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }
}

impl Meter {
    /// The connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Gives back what the request took, which is answered, and says how long the next may take to come, in seconds;
    /// authenticated peers have all the time.
    pub fn answered(&self, idle: u64) {
        self.read.store(0, Relaxed);
        self.connection.release();
        if self.connection.is_authenticated() {
            self.connection.without_deadline();
        } else {
            self.connection.touch();
            self.connection.within(idle);
        }
    }

    fn count(&self, bytes: usize) -> io::Result<()> {
        if self.connection.is_authenticated() {
            return Ok(());
        }
        let before = self.read.fetch_add(bytes, Relaxed);
        let counted = (before + bytes).saturating_sub(FREE) - before.saturating_sub(FREE);
        match counted {
            0 => Ok(()),
            counted => self.connection.hold(counted * COPIES).map_err(io::Error::other),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        std::task::ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        Poll::Ready(self.meter.count(buffer.filled().len() - before))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
