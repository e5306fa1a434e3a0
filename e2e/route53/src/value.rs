//! Rules for the values of each record type.
//!
//! From <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>: A is an IPv4 and AAAA an
//! IPv6 address; CNAME, NS and PTR are one domain name; MX is a preference and a name; SRV three numbers and a name;
//! CAA a flag, a tag and a quoted text; TXT one or more texts of at most 255 characters, each in quotation marks.
//! Types without an entry here are refused: the double does not play them.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::rr::{RData, RecordType, rdata};

use crate::name::Name;

/// The record types that are played.
pub const PLAYED: [RecordType; 10] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::NS,
    RecordType::PTR,
    RecordType::SOA,
    RecordType::SRV,
    RecordType::TXT,
];

/// Reads a value into what a name server sends, or says what is wrong with it.
pub fn parse(kind: RecordType, value: &str) -> Result<RData, String> {
    let problem = |text: &str| format!("FATAL problem: {text} encountered with '{value}'");
    match kind {
        RecordType::A => value
            .parse::<Ipv4Addr>()
            .map(|address| RData::A(address.into()))
            .map_err(|_| problem("ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)")),
        RecordType::AAAA => value
            .parse::<Ipv6Addr>()
            .map(|address| RData::AAAA(address.into()))
            .map_err(|_| problem("AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)")),
        RecordType::CNAME => Ok(RData::CNAME(rdata::CNAME(target(value)?))),
        RecordType::NS => Ok(RData::NS(rdata::NS(target(value)?))),
        RecordType::PTR => Ok(RData::PTR(rdata::PTR(target(value)?))),
        RecordType::TXT => {
            character_strings(value).map(|texts| RData::TXT(rdata::TXT::new(texts))).map_err(problem)
        }
        // The last field of MX and SRV is a name, absolute with or without a dot.
        RecordType::MX | RecordType::SRV => {
            let absolute = format!("{}.", value.strip_suffix('.').unwrap_or(value));
            RData::try_from_str(kind, &absolute).map_err(|_| problem("RRDATANotValid (Value is not valid)"))
        }
        _ => RData::try_from_str(kind, value).map_err(|_| problem("RRDATANotValid (Value is not valid)")),
    }
}

/// A domain name in a value.
fn target(value: &str) -> Result<hickory_proto::rr::Name, String> {
    let name = Name::parse(value).map_err(|error| error.to_string())?;
    Ok(wire_name(&name))
}

/// The name in the form that messages carry.
pub fn wire_name(name: &Name) -> hickory_proto::rr::Name {
    let labels = name.labels().map(str::as_bytes);
    hickory_proto::rr::Name::from_labels(labels).expect("a parsed name keeps the limits of DNS")
}

/// Splits `"one" "two"` into its texts.
fn character_strings(value: &str) -> Result<Vec<String>, &'static str> {
    const UNQUOTED: &str = "InvalidCharacterString (Value should be enclosed in quotation marks)";
    let mut texts = Vec::new();
    let mut rest = value.trim_start();
    while !rest.is_empty() {
        let body = rest.strip_prefix('"').ok_or(UNQUOTED)?;
        let (text, after) = quoted(body).ok_or(UNQUOTED)?;
        if text.len() > 255 {
            return Err("CharacterStringTooLong (Value is too long)");
        }
        texts.push(text);
        rest = after.trim_start();
    }
    if texts.is_empty() { Err(UNQUOTED) } else { Ok(texts) }
}

/// The text up to the closing mark, and what follows it.
fn quoted(body: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = body.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((text, &body[at + 1..])),
            '\\' => text.push(chars.next()?.1),
            other => text.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_each_type_are_read() {
        for (kind, value) in [
            (RecordType::A, "192.0.2.1"),
            (RecordType::AAAA, "2001:db8::1"),
            (RecordType::CAA, r#"0 issue "ca.test""#),
            (RecordType::CNAME, "target.test"),
            (RecordType::MX, "10 mail.test"),
            (RecordType::NS, "ns.test."),
            (RecordType::SOA, "ns.test. host.test. 1 7200 900 1209600 86400"),
            (RecordType::SRV, "1 2 443 srv.test."),
            (RecordType::TXT, r#""one" "two \" three""#),
        ] {
            parse(kind, value).unwrap_or_else(|problem| panic!("{kind} {value}: {problem}"));
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        for (kind, value) in [
            (RecordType::A, "not-an-ip"),
            (RecordType::A, "2001:db8::1"),
            (RecordType::A, "192.0.2.01"),
            (RecordType::AAAA, "192.0.2.1"),
            (RecordType::CNAME, "a..test"),
            (RecordType::MX, "mail.test"),
            (RecordType::TXT, "no quotes"),
            (RecordType::TXT, r#""open"#),
            (RecordType::TXT, ""),
        ] {
            assert!(parse(kind, value).is_err(), "{kind} {value}");
        }
    }
}
