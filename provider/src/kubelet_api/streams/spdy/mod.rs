//! A connection that speaks SPDY/3.1 and of which the other side begins all streams (kubelet-contract.md, R125).
//!
//! Windows are not kept when sending, since Kubernetes' own implementation neither grants room nor asks for it; room is
//! granted for all that was taken, for clients that do ask. What keeps memory small is that a slow reader is waited for.

mod dictionary;
pub(super) mod frame;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use super::ends::{Line, Movement, Outgoing, StreamReceiver, StreamSender, WAITING_MAX};
use frame::{Frame, FrameError, Headers, Reader, Writer};

/// The most streams that may be open at a time.
const STREAMS_MAX: usize = 256;
/// The time for which a client is listened to after the last word, so that it reads that word.
const LINGER: Duration = Duration::from_secs(5);
const PROTOCOL_ERROR: u32 = 1;
const REFUSED_STREAM: u32 = 3;

/// A stream that the other side began.
pub(super) struct Stream {
    pub id: u32,
    pub headers: Headers,
    pub receiver: StreamReceiver,
    pub sender: StreamSender,
}

impl Stream {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Carries the streams of `io` for as long as `work` does with them what is to be done, and ends it when the other side
/// leaves.
pub(super) async fn carry<I, W>(io: I, work: impl FnOnce(mpsc::Receiver<Stream>) -> W)
where
    I: AsyncRead + AsyncWrite + Unpin,
    W: Future<Output = ()>,
{
    let (read, write) = tokio::io::split(io);
    let (line, said) = mpsc::channel(WAITING_MAX);
    let (begun, streams) = mpsc::channel(WAITING_MAX);
    let movement = Movement::default();
    let mut listening = std::pin::pin!(listen(read, begun, line.clone(), movement.clone()));
    let mut speaking = std::pin::pin!(speak(write, said, movement.clone()));
    let heard = tokio::select! {
        () = work(streams) => None,
        heard = &mut listening => Some(heard),
        () = movement.has_ceased() => None,
        () = &mut speaking => return,
    };
    let status = match &heard {
        Some(Ok(())) => return,
        Some(Err(wrong)) => {
            tracing::debug!(%wrong, "a client does not speak SPDY/3.1");
            PROTOCOL_ERROR
        }
        None => 0,
    };
    // Bytes that are still to be written go as fast as they are read; then the peer has time to read them.
    let last = async {
        let end = line.send(Outgoing::End(status));
        let _ = tokio::join!(end, speaking);
        tokio::time::sleep(LINGER).await;
    };
    let drained = async {
        match heard {
            None => drop(listening.await),
            Some(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = last => {}
        () = drained => {}
        () = movement.has_ceased() => {}
    }
}

async fn listen(
    mut read: impl AsyncRead + Unpin,
    begun: mpsc::Sender<Stream>,
    line: Line,
    movement: Movement,
) -> Result<(), FrameError> {
    let mut reader = Reader::new();
    let mut buffer = BytesMut::with_capacity(16 << 10);
    let mut inputs: BTreeMap<u32, mpsc::Sender<Bytes>> = BTreeMap::new();
    let mut last = 0;
    loop {
        while let Some(frame) = reader.next(&mut buffer)? {
            movement.moved();
            match frame {
                Frame::Begin { id, .. } if id <= last || id % 2 == 0 => {
                    let _ = line.send(Outgoing::Reset(id, PROTOCOL_ERROR)).await;
                }
                Frame::Begin { id, .. } if inputs.len() >= STREAMS_MAX => {
                    last = id;
                    let _ = line.send(Outgoing::Reset(id, REFUSED_STREAM)).await;
                }
                Frame::Begin { id, fin, headers } => {
                    last = id;
                    let (sender, receiver) = mpsc::channel(WAITING_MAX);
                    if !fin {
                        inputs.insert(id, sender);
                    }
                    let _ = line.send(Outgoing::Accepted(id)).await;
                    let stream =
                        Stream { id, headers, receiver, sender: StreamSender::new(id, line.clone()) };
                    if begun.send(stream).await.is_err() {
                        let _ = line.send(Outgoing::Reset(id, REFUSED_STREAM)).await;
                    }
                }
                Frame::Data { id, fin, bytes } => {
                    let length = u32::try_from(bytes.len()).unwrap_or(0);
                    if let Some(receiver) = inputs.get(&id)
                        && length > 0
                        && receiver.send(bytes).await.is_ok()
                    {
                        let _ = line.send(Outgoing::Room(id, length)).await;
                    }
                    if fin {
                        inputs.remove(&id);
                    }
                }
                Frame::More { id, fin: true } | Frame::Reset { id } => drop(inputs.remove(&id)),
                Frame::Ping(number) => drop(line.send(Outgoing::Ping(number)).await),
                Frame::More { .. } | Frame::GoAway | Frame::Other => {}
            }
        }
        match read.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
    }
}

/// Writes what is said; ends with the last word, or when the other side does not listen.
async fn speak(mut write: impl AsyncWrite + Unpin, mut said: mpsc::Receiver<Outgoing>, movement: Movement) {
    let mut writer = Writer::new();
    let mut last = 0;
    while let Some(word) = said.recv().await {
        let is_end = matches!(word, Outgoing::End(_));
        let written = match word {
            Outgoing::Accepted(id) => {
                last = id;
                write.write_all(&writer.reply(id)).await
            }
            Outgoing::Bytes(id, bytes) => {
                movement.moved();
                write.write_all(&frame::data(id, false, &bytes)).await
            }
            Outgoing::Closed(id) => write.write_all(&frame::data(id, true, &[])).await,
            Outgoing::Reset(id, status) => write.write_all(&frame::reset(id, status)).await,
            Outgoing::Ping(number) => write.write_all(&frame::ping(number)).await,
            Outgoing::Room(id, bytes) => write.write_all(&frame::room(id, bytes)).await,
            Outgoing::End(status) => write.write_all(&frame::go_away(last, status)).await,
        };
        let flushed = match written {
            Ok(()) if said.is_empty() || is_end => write.flush().await,
            other => other,
        };
        if flushed.is_err() {
            return;
        }
        if is_end {
            break;
        }
    }
    let _ = write.shutdown().await;
}
