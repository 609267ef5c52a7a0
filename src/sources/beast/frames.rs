/// Divides a byte stream into Beast frames: 0x1a, a type, and a body of a length that depends on the type, in which each
/// 0x1a is doubled.
#[derive(Debug, Default)]
pub(super) struct FrameSplitter {
    state: State,
    body: Vec<u8>,
    /// The bytes read of the current frame, escapes included.
    bytes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Looking for the start of a frame.
    #[default]
    Between,
    /// After an 0x1a between frames.
    Start,
    /// In the body of a frame of this type and length.
    Body(FrameType, usize),
    /// After an 0x1a in a body.
    Escape(FrameType, usize),
}

/// The type of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameType {
    /// A Mode S message of 7 bytes.
    Short,
    /// A Mode S message of 14 bytes.
    Long,
    /// A Mode A/C reply, the receiver's status or its identity, which tell nothing about an aircraft.
    Other,
}

/// The next part of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FramePart<'a> {
    /// A Mode S message.
    Message {
        /// The receiver's clock.
        clock: &'a [u8],
        /// The message.
        message: &'a [u8],
        /// The length of the frame in the stream.
        bytes: usize,
    },
    /// A frame that tells nothing about an aircraft, with its length in the stream.
    Other(usize),
    /// A frame that was not complete when the next one started, with its length in the stream.
    Incomplete(usize),
    /// A byte that is not part of a frame.
    Garbage,
}

const ESCAPE: u8 = 0x1a;

/// The lengths of the clock and of the signal level before a message.
const CLOCK: usize = 6;
const SIGNAL: usize = 1;

impl FrameType {
    /// Returns the type of a frame and the length of its body, by its second byte.
    fn of(byte: u8) -> Option<(Self, usize)> {
        match byte {
            b'1' => Some((Self::Other, CLOCK + SIGNAL + 2)),
            b'2' => Some((Self::Short, CLOCK + SIGNAL + 7)),
            b'3' => Some((Self::Long, CLOCK + SIGNAL + 14)),
            b'4' => Some((Self::Other, CLOCK + SIGNAL + 14)),
            // The identity of the receiver, which readsb can add.
            0xe3 => Some((Self::Other, 8)),
            _ => None,
        }
    }
}

impl FrameSplitter {
    /// Passes each part of the chunk to `handle`, and keeps an incomplete frame for the next chunk.
    pub(super) fn split(&mut self, chunk: &[u8], mut handle: impl FnMut(FramePart<'_>)) {
        for &byte in chunk {
            self.add(byte, &mut handle);
        }
    }

    fn add(&mut self, byte: u8, handle: &mut impl FnMut(FramePart<'_>)) {
        self.bytes += 1;
        match self.state {
            State::Between if byte == ESCAPE => self.state = State::Start,
            State::Between => self.garbage(handle),
            State::Start => match FrameType::of(byte) {
                Some((frame, length)) => {
                    self.body.clear();
                    self.state = State::Body(frame, length);
                }
                None => self.garbage(handle),
            },
            State::Body(frame, length) if byte == ESCAPE => self.state = State::Escape(frame, length),
            State::Escape(frame, length) if byte == ESCAPE => {
                self.state = State::Body(frame, length);
                self.add_to_body(byte, handle);
            }
            State::Body(..) => self.add_to_body(byte, handle),
            State::Escape(..) => {
                // The frame ended early, and this is the type of the next one.
                handle(FramePart::Incomplete(self.bytes - 2));
                (self.state, self.bytes) = (State::Start, 1);
                self.add(byte, handle);
            }
        }
    }

    fn add_to_body(&mut self, byte: u8, handle: &mut impl FnMut(FramePart<'_>)) {
        let State::Body(frame, length) = self.state else { return };
        self.body.push(byte);
        if self.body.len() < length {
            return;
        }
        let bytes = self.bytes;
        match frame {
            FrameType::Other => handle(FramePart::Other(bytes)),
            FrameType::Short | FrameType::Long => {
                let (clock, rest) = self.body.split_at(CLOCK);
                handle(FramePart::Message { clock, message: &rest[SIGNAL..], bytes });
            }
        }
        (self.state, self.bytes) = (State::Between, 0);
    }

    fn garbage(&mut self, handle: &mut impl FnMut(FramePart<'_>)) {
        for _ in 0..self.bytes {
            handle(FramePart::Garbage);
        }
        (self.state, self.bytes) = (State::Between, 0);
    }

    /// Drops an incomplete frame.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the messages, and the bytes of everything else: other frames, incomplete frames and garbage.
    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, [usize; 3]) {
        let (mut splitter, mut messages, mut others) = (FrameSplitter::default(), Vec::new(), [0; 3]);
        let mut total = 0;
        for chunk in chunks {
            splitter.split(chunk, |part| match part {
                FramePart::Message { clock, message, bytes } => {
                    assert_eq!(clock.len(), CLOCK);
                    messages.push(message.to_vec());
                    total += bytes;
                }
                FramePart::Other(bytes) => others[0] += bytes,
                FramePart::Incomplete(bytes) => others[1] += bytes,
                FramePart::Garbage => others[2] += 1,
            });
            assert!(splitter.body.len() <= 21);
        }
        let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        assert_eq!(total + others.iter().sum::<usize>() + splitter.bytes, length);
        (messages, others)
    }

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let escaped = body.iter().flat_map(|byte| std::iter::repeat_n(*byte, if *byte == ESCAPE { 2 } else { 1 }));
        [ESCAPE, kind].into_iter().chain(escaped).collect()
    }

    #[test]
    fn frames_are_unescaped_and_other_frames_are_skipped() {
        let short: Vec<u8> = (0x14..0x22).collect();
        let long: Vec<u8> = (0x1a..0x2f).collect();
        let stream = [
            frame(b'4', &[ESCAPE; 21]),
            frame(b'2', &short),
            frame(b'1', &[ESCAPE; 9]),
            frame(0xe3, &[1; 8]),
            frame(b'3', &long),
        ]
        .concat();
        let (messages, others) = split(&[&stream]);
        assert_eq!(messages, [&short[7..], &long[7..]]);
        assert_eq!(others, [(2 + 42) + (2 + 18) + (2 + 8), 0, 0]);
    }

    #[test]
    fn the_splitter_recovers_after_garbage_and_half_a_frame() {
        let good = frame(b'2', &[7; 14]);
        let stream = [b"HTTP", &good[..], &[ESCAPE, b'3', 1, 2, 3], &good, &[ESCAPE, b'9'], &good].concat();
        let (messages, others) = split(&[&stream]);
        assert_eq!(messages.len(), 3);
        assert_eq!(others, [0, 5, 4 + 2]);
    }

    proptest! {
        #[test]
        fn chunks_do_not_affect_the_frames(
            stream in proptest::collection::vec(
                prop_oneof![2 => any::<u8>(), 2 => Just(ESCAPE), 1 => b'1'..=b'4'], 0..600),
            size in 1_usize..40,
        ) {
            let chunks: Vec<_> = stream.chunks(size).collect();
            prop_assert_eq!(split(&chunks), split(&[&stream]));
        }
    }
}
