use std::error::Error;
use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::content::{BEGINNING, GZIP, PARQUET, ZSTD, check_text, is_tar};

/// Read buffer size in bytes.
pub(crate) const BUFFER: usize = 128 * 1024;

/// Bytes without their compression, of which the first ones are known.
pub(crate) struct Stream<'a> {
    pub(crate) beginning: Vec<u8>,
    rest: Box<dyn Read + 'a>,
    pub(crate) was_compressed: bool,
}

/// The text of a [`Stream`].
pub(crate) type Text<'a> = BufReader<Chain<Cursor<Vec<u8>>, Box<dyn Read + 'a>>>;

impl<'a> Stream<'a> {
    /// Reads the first bytes, and decompresses them if they are gzip or zstd.
    ///
    /// # Errors
    /// Returns an error if the bytes cannot be read or decompressed.
    pub(crate) fn new(mut bytes: impl Read + 'a) -> io::Result<Self> {
        let beginning = beginning_of(&mut bytes)?;
        let (gzip, zstd) = (beginning.starts_with(GZIP), beginning.starts_with(ZSTD));
        if !gzip && !zstd {
            return Ok(Self { beginning, rest: Box::new(bytes), was_compressed: false });
        }
        let packed = BufReader::with_capacity(BUFFER, Cursor::new(beginning).chain(bytes));
        let mut rest: Box<dyn Read + 'a> = if gzip {
            Box::new(Unpacked { bytes: MultiGzDecoder::new(packed), compression: "gzip" })
        } else {
            // The window is limited to 128 MiB, the default of zstd.
            Box::new(Unpacked { bytes: zstd::Decoder::with_buffer(packed)?, compression: "zstd" })
        };
        Ok(Self { beginning: beginning_of(&mut rest)?, rest, was_compressed: true })
    }

    pub(crate) fn is_tar(&self) -> bool {
        is_tar(&self.beginning)
    }

    /// Returns all bytes from the first one.
    pub(crate) fn into_bytes(self) -> Text<'a> {
        BufReader::with_capacity(BUFFER, Cursor::new(self.beginning).chain(self.rest))
    }

    /// Returns the text without its byte order mark.
    ///
    /// # Errors
    /// Returns an error if the bytes are not text, with what they are and what to do.
    pub(crate) fn into_text(self) -> Result<Text<'a>, String> {
        if self.was_compressed && (self.beginning.starts_with(GZIP) || self.beginning.starts_with(ZSTD)) {
            return Err("the file is compressed twice; decompress it once".to_owned());
        }
        if self.beginning.starts_with(PARQUET) {
            return Err("the file is compressed or archived Parquet; unpack it, and import the Parquet file".to_owned());
        }
        check_text(&self.beginning)?;
        let text = textfile::without_mark(&self.beginning).map_err(|error| error.to_string())?.to_owned();
        Ok(Self { beginning: text, ..self }.into_bytes())
    }
}

fn beginning_of(bytes: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::with_capacity(BEGINNING);
    bytes.take(BEGINNING as u64).read_to_end(&mut beginning)?;
    Ok(beginning)
}

/// Decompressed bytes, whose errors say what is invalid.
struct Unpacked<R> {
    bytes: R,
    compression: &'static str,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ if error.get_ref().is_some_and(|source| source.is::<Truncated>()) => error,
            io::ErrorKind::UnexpectedEof => {
                let reason = format!("the {} data ends too early; the file is incomplete", self.compression);
                io::Error::new(error.kind(), reason)
            }
            kind => io::Error::new(kind, format!("invalid {} data: {error}", self.compression)),
        })
    }
}

/// The error of reading a file of an archive beyond the end of the archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the archive ends within this file")
    }
}

impl Error for Truncated {}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<String, String> {
        let stream = Stream::new(bytes).map_err(|error| error.to_string())?;
        let mut text = String::new();
        stream.into_text()?.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn text_is_read_plain_or_with_one_layer_of_compression() {
        let text = "icao24,last_contact\n".repeat(1_000);
        let packed = gzip(text.as_bytes());
        for bytes in [text.as_bytes(), &packed, &zstd::encode_all(text.as_bytes(), 1).unwrap()] {
            assert_eq!(read(bytes).as_ref(), Ok(&text));
        }
        // Concatenated gzip files are one.
        assert_eq!(read(&[&packed[..], &packed].concat()), Ok(text.repeat(2)));
    }

    #[test]
    fn damaged_compression_is_reported() {
        let text: String = (0..20_000).map(|number| format!("{number}\n")).collect();
        let gzipped = gzip(text.as_bytes());
        for (packed, name) in [(&gzipped, "gzip"), (&zstd::encode_all(text.as_bytes(), 1).unwrap(), "zstd")] {
            let error = read(&packed[..packed.len() / 2]).unwrap_err();
            assert!(error.contains(name) && error.contains("incomplete"), "{error}");
        }
        let mut damaged = gzipped;
        let middle = damaged.len() / 2;
        damaged[middle..middle + 40].fill(0xff);
        assert!(read(&damaged).unwrap_err().contains("invalid gzip data: "));
        assert!(read(&gzip(&gzip(b"a"))).unwrap_err().contains("twice"));
        assert!(read(&gzip(b"PAR1")).unwrap_err().contains("Parquet"));
    }
}
