//! The `Date` of a response, made once per second and thread. Hot: a clock read and a copy.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Buffer;

thread_local! {
    static LINE: RefCell<(u64, Vec<u8>)> = const { RefCell::new((0, Vec::new())) };
}

/// Adds the field `Date` with the time of now (RFC 9110 section 6.6.1).
pub(crate) fn push_date(out: &mut Buffer) {
    let now = unix_time().as_secs();
    LINE.with_borrow_mut(|(second, line)| {
        if *second != now {
            let time = UNIX_EPOCH + Duration::from_secs(now);
            *line = format!("Date: {}\r\n", httpdate::fmt_http_date(time)).into_bytes();
            *second = now;
        }
        out.push(line);
    });
}

/// The time since 1970.
pub(crate) fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_the_one_of_now() {
        let mut out = Buffer::default();
        push_date(&mut out);
        let text = String::from_utf8(out.bytes().to_vec()).unwrap();
        let date = text.trim().strip_prefix("Date: ").unwrap();
        let age = SystemTime::now().duration_since(httpdate::parse_http_date(date).unwrap()).unwrap();
        assert!(age < Duration::from_secs(3));
    }
}
