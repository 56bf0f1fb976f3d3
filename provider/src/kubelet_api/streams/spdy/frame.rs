//! Frames of SPDY/3.1: read from bytes that may be anything, written from what is meant; no I/O.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::dictionary::dictionary;

/// The largest frame that is taken; those of Kubernetes' clients are of 32 KiB.
const FRAME_MAX: usize = 1 << 20;
/// The largest block of headers, unpacked.
const HEADERS_MAX: usize = 16 << 10;
const VERSION: u16 = 3;
const FIN: u8 = 1;

/// Names and values of a stream; names are of small letters.
pub(crate) type Headers = Vec<(String, String)>;

/// Frames of the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A stream begins.
    Begin { id: u32, fin: bool, headers: Headers },
    /// Bytes of a stream.
    Data { id: u32, fin: bool, bytes: Bytes },
    /// A stream ends at once.
    Reset { id: u32 },
    /// To be sent back.
    Ping(u32),
    /// No new streams will come.
    GoAway,
    /// Further headers, which mean nothing here but may end a stream.
    More { id: u32, fin: bool },
    /// Something that means nothing here.
    Other,
}

/// Errors of bytes that are no SPDY.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// Another version.
    #[error("a control frame is of version {0}; the one that is spoken is 3")]
    Version(u16),
    /// Too large.
    #[error("a frame of {0} bytes is larger than {FRAME_MAX}")]
    Size(usize),
    /// Shorter than its kind is.
    #[error("a frame of type {0} ends too early")]
    Short(u16),
    /// Headers that cannot be unpacked.
    #[error("a block of headers cannot be read: {0}")]
    Headers(&'static str),
}

/// Reads frames; the headers of one lean on those before.
pub(crate) struct Reader {
    inflate: Decompress,
}

impl Reader {
    /// At the beginning of a connection.
    pub fn new() -> Self {
        Self { inflate: Decompress::new(true) }
    }

    /// Takes the next frame out of `buffer`; `None` when it is not there whole.
    ///
    /// # Errors
    /// [`FrameError`]; the connection cannot be read any further then.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(head) = buffer.get(..8) else { return Ok(None) };
        let first = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        let fin = head[4] & FIN != 0;
        let length = usize::from(head[5]) << 16 | usize::from(head[6]) << 8 | usize::from(head[7]);
        let version = u16::from_be_bytes([head[0] & 0x7f, head[1]]);
        let is_control = first >> 31 == 1;
        if is_control && version != VERSION {
            return Err(FrameError::Version(version));
        }
        if length > FRAME_MAX {
            return Err(FrameError::Size(length));
        }
        if buffer.len() < 8 + length {
            return Ok(None);
        }
        buffer.advance(8);
        let body = buffer.split_to(length).freeze();
        if !is_control {
            return Ok(Some(Frame::Data { id: first, fin, bytes: body }));
        }
        self.control(u16::try_from(first & 0xffff).unwrap_or(0), fin, body).map(Some)
    }

    fn control(&mut self, kind: u16, fin: bool, mut body: Bytes) -> Result<Frame, FrameError> {
        let fixed = match kind {
            1 => 10,
            2 | 6 | 8 => 4,
            3 | 7 | 9 => 8,
            _ => return Ok(Frame::Other),
        };
        if body.len() < fixed {
            return Err(FrameError::Short(kind));
        }
        let number = body.get_u32();
        let id = number & 0x7fff_ffff;
        Ok(match kind {
            1 => {
                body.advance(6);
                Frame::Begin { id, fin, headers: self.headers(&body)? }
            }
            2 | 8 => {
                self.headers(&body)?;
                Frame::More { id, fin }
            }
            3 => Frame::Reset { id },
            6 => Frame::Ping(number),
            7 => Frame::GoAway,
            _ => Frame::Other,
        })
    }

    fn headers(&mut self, packed: &[u8]) -> Result<Headers, FrameError> {
        let mut block = self.unpack(packed)?;
        let count = number(&mut block)?;
        let mut headers = Vec::new();
        for _ in 0..count {
            let name = text(&mut block)?.to_ascii_lowercase();
            headers.push((name, text(&mut block)?));
        }
        Ok(headers)
    }

    fn unpack(&mut self, mut packed: &[u8]) -> Result<Bytes, FrameError> {
        let mut block = Vec::with_capacity(HEADERS_MAX);
        let mut has_dictionary = false;
        loop {
            let (was, wrote) = (self.inflate.total_in(), block.len());
            let status = self.inflate.decompress_vec(packed, &mut block, FlushDecompress::Sync);
            let read = usize::try_from(self.inflate.total_in() - was).unwrap_or(packed.len());
            packed = packed.get(read..).unwrap_or_default();
            match status {
                Err(why) if why.needs_dictionary().is_some() && !has_dictionary => {
                    has_dictionary = true;
                    let set = self.inflate.set_dictionary(&dictionary());
                    set.map_err(|_| FrameError::Headers("another dictionary is asked for"))?;
                }
                Err(_) => return Err(FrameError::Headers("it is not packed as SPDY/3 packs")),
                Ok(Status::StreamEnd) => return Err(FrameError::Headers("its packing has ended")),
                Ok(_) if block.len() == HEADERS_MAX => {
                    return Err(FrameError::Headers("unpacked it has 16 KiB or more"));
                }
                Ok(_) if packed.is_empty() => return Ok(block.into()),
                Ok(_) if read == 0 && block.len() == wrote => {
                    return Err(FrameError::Headers("it is not packed as SPDY/3 packs"));
                }
                Ok(_) => {}
            }
        }
    }
}

fn number(block: &mut Bytes) -> Result<usize, FrameError> {
    if block.len() < 4 {
        return Err(FrameError::Headers("it ends too early"));
    }
    Ok(usize::try_from(block.get_u32()).unwrap_or(usize::MAX))
}

fn text(block: &mut Bytes) -> Result<String, FrameError> {
    let length = number(block)?;
    if block.len() < length {
        return Err(FrameError::Headers("it ends too early"));
    }
    Ok(String::from_utf8_lossy(&block.split_to(length)).into_owned())
}

/// Writes frames.
pub(crate) struct Writer {
    deflate: Compress,
    begun: bool,
}

impl Writer {
    /// At the beginning of a connection.
    pub fn new() -> Self {
        Self { deflate: Compress::new(Compression::fast(), true), begun: false }
    }

    /// A stream that the other side began is taken.
    pub fn reply(&mut self, id: u32) -> Vec<u8> {
        let block = self.pack(&[]);
        control(2, 0, &[&id.to_be_bytes(), &block])
    }

    /// A stream begins: what clients say.
    #[cfg(test)]
    pub fn begin(&mut self, id: u32, headers: &[(&str, &str)]) -> Vec<u8> {
        let block = self.pack(headers);
        control(1, 0, &[&id.to_be_bytes(), &[0; 6], &block])
    }

    fn pack(&mut self, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(0).to_be_bytes();
        block.extend_from_slice(&u32::try_from(headers.len()).unwrap_or(0).to_be_bytes());
        for text in headers.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]) {
            block.extend_from_slice(&length(text));
            block.extend_from_slice(text);
        }
        if !self.begun {
            self.begun = true;
            // Fails only when something was packed before.
            let _ = self.deflate.set_dictionary(&dictionary());
        }
        let mut packed = Vec::with_capacity(block.len() * 2 + 64);
        // Without an end there is nothing that packing could fail of.
        let _ = self.deflate.compress_vec(&block, &mut packed, FlushCompress::Sync);
        packed
    }
}

/// Bytes of a stream, of less than 16 MiB; with `fin` its last.
pub(crate) fn data(id: u32, fin: bool, bytes: &[u8]) -> BytesMut {
    let mut frame = BytesMut::with_capacity(8 + bytes.len());
    frame.put_u32(id & 0x7fff_ffff);
    frame.put_u8(u8::from(fin));
    frame.put_uint(bytes.len() as u64, 3);
    frame.extend_from_slice(bytes);
    frame
}

/// A stream ends at once, for a reason that has a number.
pub(crate) fn reset(id: u32, status: u32) -> Vec<u8> {
    control(3, 0, &[&id.to_be_bytes(), &status.to_be_bytes()])
}

/// A ping, sent back.
pub(crate) fn ping(number: u32) -> Vec<u8> {
    control(6, 0, &[&number.to_be_bytes()])
}

/// Room for so many more bytes of a stream.
pub(crate) fn room(id: u32, bytes: u32) -> Vec<u8> {
    control(9, 0, &[&id.to_be_bytes(), &bytes.to_be_bytes()])
}

/// No new streams are taken; `last` was the last one, `status` tells why.
pub(crate) fn go_away(last: u32, status: u32) -> Vec<u8> {
    control(7, 0, &[&last.to_be_bytes(), &status.to_be_bytes()])
}

fn control(kind: u16, flags: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(8 + length);
    frame.put_u16(0x8000 | VERSION);
    frame.put_u16(kind);
    frame.put_u8(flags);
    frame.put_uint(length as u64, 3);
    for part in parts {
        frame.extend_from_slice(part);
    }
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_travel_packed_one_block_leaning_on_the_other() {
        let (mut writer, mut reader) = (Writer::new(), Reader::new());
        for id in [1, 3, 5] {
            let mut bytes = BytesMut::from(&writer.begin(id, &[("streamtype", "stdin"), ("port", "80")])[..]);
            let read = reader.next(&mut bytes).unwrap().unwrap();
            let headers =
                vec![("streamtype".to_owned(), "stdin".to_owned()), ("port".to_owned(), "80".to_owned())];
            assert_eq!(read, Frame::Begin { id, fin: false, headers });
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn a_block_that_unpacks_to_too_much_is_refused() {
        let large = "a".repeat(HEADERS_MAX);
        let mut bytes = BytesMut::from(&Writer::new().begin(1, &[("port", &large)])[..]);
        assert!(matches!(Reader::new().next(&mut bytes), Err(FrameError::Headers(_))));
    }

    #[test]
    fn each_kind_of_frame_is_read_as_it_was_written() {
        let bytes = Bytes::from_static(b"hello");
        for (written, read) in [
            (data(3, true, b"hello").to_vec(), Frame::Data { id: 3, fin: true, bytes }),
            (reset(3, 5), Frame::Reset { id: 3 }),
            (ping(7), Frame::Ping(7)),
            (go_away(3, 0), Frame::GoAway),
            (room(3, 9), Frame::Other),
            (Writer::new().reply(3), Frame::More { id: 3, fin: false }),
            (control(4, 0, &[&[0; 4]]), Frame::Other),
        ] {
            for cut in 0..written.len() {
                assert_eq!(Reader::new().next(&mut BytesMut::from(&written[..cut])), Ok(None));
            }
            assert_eq!(Reader::new().next(&mut BytesMut::from(&written[..])), Ok(Some(read)));
        }
    }

    proptest! {
        #[test]
        fn fuzz_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let (mut reader, mut buffer) = (Reader::new(), BytesMut::from(&bytes[..]));
            while let Ok(Some(_)) = reader.next(&mut buffer) {}
        }

        #[test]
        fn fuzz_any_body_of_a_control_frame_is_read_or_refused(
            kind in 0_u16..12, body in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400, bit in 0_u8..8
        ) {
            let mut written = Writer::new().begin(1, &[("streamtype", "data"), ("port", "80")]);
            let index = at % written.len();
            written[index] ^= 1 << bit;
            written.extend_from_slice(&control(kind, 1, &[&body]));
            let (mut reader, mut buffer) = (Reader::new(), BytesMut::from(&written[..]));
            while let Ok(Some(_)) = reader.next(&mut buffer) {}
        }
    }
}
