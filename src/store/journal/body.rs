//! Records as bytes: what is as in another record of the same app costs about nothing.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::journal::Record;

/// No record is larger: what claims to be is torn.
const MOST_BYTES: usize = 16 << 20;
/// How much of a dictionary deflate looks back at.
const WINDOW: usize = 32 << 10;

/// `bytes`, made small with the help of `like`, which is needed to read them.
pub(super) fn pack(bytes: &[u8], like: &[u8]) -> Option<Vec<u8>> {
    let mut packer = Compress::new(Compression::new(6), true);
    if !like.is_empty() {
        packer.set_dictionary(end_of(like)).ok()?;
    }
    // No input grows by more, whatever is in it.
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 1000 + 64);
    let status = packer.compress_vec(bytes, &mut out, FlushCompress::Finish).ok()?;
    (status == Status::StreamEnd).then_some(out)
}

/// What was packed with the help of `like`; `None` where it is torn.
pub(super) fn unpack(bytes: &[u8], like: &[u8]) -> Option<Vec<u8>> {
    let mut unpacker = Decompress::new(true);
    let mut out = Vec::with_capacity(4096);
    loop {
        let rest = bytes.get(usize::try_from(unpacker.total_in()).ok()?..)?;
        let before = (unpacker.total_in(), out.len());
        match unpacker.decompress_vec(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return Some(out),
            Ok(_) if out.len() == out.capacity() && out.len() < MOST_BYTES => {
                out.reserve(out.len());
            }
            Err(error) if error.needs_dictionary().is_some() && !like.is_empty() => {
                unpacker.set_dictionary(end_of(like)).ok()?;
            }
            Ok(_) if before == (unpacker.total_in(), out.len()) => return None,
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

/// What deflate would look at anyway.
fn end_of(like: &[u8]) -> &[u8] {
    &like[like.len().saturating_sub(WINDOW)..]
}

/// The record as text; `None` where it has no form, which none has.
pub(super) fn write(record: &Record) -> Option<Vec<u8>> {
    serde_json::to_vec(record).ok()
}

/// The record in `text`; `None` where it is torn.
pub(super) fn read(text: &[u8]) -> Option<Record> {
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_is_small_where_it_is_alike() {
        let like: Vec<u8> =
            (0..4000_u32).flat_map(|at| (at * at).to_string().into_bytes()).collect();
        let mut own = like.clone();
        own[500] = b'x';
        for (bytes, like, most) in
            [(&own, &like, 300), (&own, &own, 300), (&own, &Vec::new(), own.len())]
        {
            let packed = pack(bytes, like).expect("packed");
            assert!(packed.len() <= most, "{} of {}", packed.len(), bytes.len());
            assert_eq!(unpack(&packed, like).as_ref(), Some(bytes));
            assert_eq!(unpack(&packed[..packed.len() / 2], like), None, "torn");
        }
        assert_eq!(unpack(&pack(&own, &like).expect("packed"), &own), None, "another dictionary");
        assert_eq!(unpack(b"noise", b""), None);
        assert_eq!(pack(b"", b"").and_then(|own| unpack(&own, b"")), Some(Vec::new()));
    }
}
