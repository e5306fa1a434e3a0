//! The cases: what is asked, and over what.

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Plain,
    Tls,
    Http2,
    Handshakes,
    Large,
    Hosts,
}

impl Case {
    pub(crate) const ALL: [Self; 6] =
        [Self::Plain, Self::Tls, Self::Http2, Self::Handshakes, Self::Large, Self::Hosts];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "small, HTTP/1.1, kept connections",
            Self::Tls => "small, TLS 1.3, kept connections",
            Self::Http2 => "small, HTTP/2 over TLS",
            Self::Handshakes => "a new TLS connection each",
            Self::Large => "64 KiB, HTTP/1.1, kept connections",
            Self::Hosts => "small, every host in turn",
        }
    }

    /// Whether it is asked over TLS.
    pub(crate) fn is_tls(self) -> bool {
        matches!(self, Self::Tls | Self::Http2 | Self::Handshakes)
    }

    /// What is asked for.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Large => "/large",
            _ => "/",
        }
    }
}
