//! Detects files that are not text by their first bytes.

/// The number of bytes to examine. The magic number of a tar archive is at offset 257.
pub(crate) const BEGINNING: usize = 512;

/// The first bytes of a gzip file.
pub(crate) const GZIP: &[u8] = &[0x1f, 0x8b];

/// The first bytes of a zstd frame.
pub(crate) const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The first and the last bytes of a Parquet file.
pub(crate) const PARQUET: &[u8] = b"PAR1";

/// File types that are often mistaken for text tables, and what to do with them.
const FOREIGN: [(&[u8], &str); 14] = [
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet (.xlsx, .ods); save the sheet as CSV, or unpack the archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls); save the sheet as CSV"),
    (b"BZh", "compressed by bzip2; unpack it with `bunzip2`"),
    (b"\xfd7zXZ", "compressed by xz; unpack it with `unxz`"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"Obj\x01", "Avro; convert it to CSV or Parquet"),
    (b"ORC", "ORC; convert it to CSV or Parquet"),
    (b"ARROW1", "Arrow or Feather; convert it to CSV or Parquet"),
    (b"\x89HDF", "HDF5; convert it to CSV or Parquet"),
    (b"PARE", "an encrypted Parquet file; write it without encryption"),
    (b"SQLite format 3\0", "a SQLite database; export its rows as CSV"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x04\x95", "a Python pickle; write CSV (to_csv) or Parquet (to_parquet)"),
    (b"\x80\x05\x95", "a Python pickle; write CSV (to_csv) or Parquet (to_parquet)"),
];

/// Whether the first bytes are those of a tar archive.
pub(crate) fn is_tar(beginning: &[u8]) -> bool {
    beginning.get(257..262) == Some(b"ustar")
}

/// Checks that a file can be text.
///
/// # Errors
/// Returns the detected file type and what to do about it.
pub(crate) fn check_text(beginning: &[u8]) -> Result<(), String> {
    textfile::without_mark(beginning).map_err(|error| error.to_string())?;
    if let Some((_, what)) = FOREIGN.iter().find(|(mark, _)| beginning.starts_with(mark)) {
        return Err(format!("the file is {what}"));
    }
    if is_tar(beginning) {
        return Err("the file is an archive in an archive; unpack it with `tar -xf`".to_owned());
    }
    match beginning.trim_ascii_start().first() {
        None => return Err("the file is empty".to_owned()),
        Some(b'<') => return Err("the file is HTML or XML; was an error page saved?".to_owned()),
        Some(b'[') => {
            return Err("the file is a JSON array; write one object a line, with `jq -c '.[]'`, or in pandas with \
                        to_json(orient=\"records\", lines=True)"
                .to_owned());
        }
        _ => {}
    }
    if beginning.contains(&0) {
        return Err(
            "the file is binary, but not Parquet; expected CSV, NDJSON, recorded responses or Parquet".to_owned()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_files_are_rejected_with_their_type() {
        let utf16: Vec<u8> = "\u{feff}icao24,last".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (beginning, part) in [
            (&b"PK\x03\x04..."[..], ".xlsx"),
            (&utf16, "UTF-16"),
            (&tar, "tar -xf"),
            (b"", "empty"),
            (b" \r\n", "empty"),
            (b"<!doctype html>", "HTML"),
            (b"[{\"icao24\":", "jq -c"),
            (b"a,b\0", "binary"),
        ] {
            let error = check_text(beginning).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(check_text(b"\xef\xbb\xbficao24,last_contact"), Ok(()));
    }
}
