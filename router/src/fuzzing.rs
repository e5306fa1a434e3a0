//! What fuzzers run: every parser of what strangers send, and every lookup, beside a model that is too simple to be wrong.
//!
//! In come arbitrary bytes; out comes nothing, or a panic that names the law which they break. It is compiled for
//! `cargo test`, which tries some thousand seeded inputs (`fuzzing/tests.rs`), and for `router/fuzz`, which lets
//! libFuzzer search on for as long as one likes. Nothing here is part of the router.

mod chunks;
mod configuration;
mod cookie;
mod lookup;
mod proxy_protocol;
mod request;
mod response;
#[cfg(test)]
mod tests;

#[path = "../tests/precedence/naive.rs"]
mod naive;

use crate::Explained;
use crate::http::framing::Framing;

pub use chunks::chunks;
pub use configuration::configuration;
pub use cookie::cookie;
pub use lookup::{changes, lookup};
pub use proxy_protocol::proxy_protocol;
pub use request::request;
pub use response::response;

/// More than this much input finds nothing new, and stays below the limits on whole heads.
const MAX_INPUT: usize = 8 * 1024;

/// The framing that any careful reader finds in fields: `None` if readers could differ.
fn naive_framing(fields: &[httparse::Header<'_>]) -> Option<Framing> {
    let values = |name: &str| -> Vec<&[u8]> {
        let named = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        named.map(|field| field.value.trim_ascii()).collect()
    };
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => Some(Framing::Empty),
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => Some(Framing::Chunked),
        ([digits], []) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            match std::str::from_utf8(digits).ok()?.parse().ok()? {
                0 => Some(Framing::Empty),
                length => Some(Framing::Length(length)),
            }
        }
        _ => None,
    }
}
