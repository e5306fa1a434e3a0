//! A redirect that can be answered: checked once, so that no request can meet a bad one.
//!
//! In comes the configuration's redirect; out goes its checked form, or a sentence that says what to correct.

use router_config::{RedirectCode, Scheme};

/// Where to, and how. What is `None` is kept from the request; a port of `None` is the router's own for the scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) scheme: Option<Scheme>,
    pub(crate) host: Option<Box<str>>,
    pub(crate) port: Option<u16>,
    pub(crate) path: Option<Box<str>>,
    pub(crate) code: RedirectCode,
}

impl Redirect {
    /// # Errors
    /// One sentence that says what to correct.
    pub(crate) fn parse(redirect: &router_config::Redirect) -> Result<Self, String> {
        let router_config::Redirect { scheme, host, port, path, code } = redirect;
        if let Some(host) = host
            && (host.is_empty() || !host.bytes().all(is_host_byte))
        {
            return Err(format!(
                "the redirect's host `{}` must be a host name without a scheme, port or path",
                host.escape_debug()
            ));
        }
        if *port == Some(0) {
            return Err("the redirect's port must be 1 to 65535: leave it out for the scheme's own".into());
        }
        if let Some(path) = path
            && (!path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(format!(
                "the redirect's path `{}` must start with a slash and be percent-encoded",
                path.escape_debug()
            ));
        }
        Ok(Self {
            scheme: *scheme,
            host: host.as_deref().map(Into::into),
            port: *port,
            path: path.as_deref().map(Into::into),
            code: *code,
        })
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_that_could_break_a_response_is_refused() {
        let parse = |redirect| Redirect::parse(&redirect);
        let none = router_config::Redirect::default();
        assert!(parse(none.clone()).is_ok());
        for host in ["", "a b", "a\r\nSet-Cookie: x", "http://a", "a:80", "a/b"] {
            assert!(
                parse(router_config::Redirect { host: Some(host.into()), ..none.clone() }).is_err(),
                "{host}"
            );
        }
        for path in ["", "x", "/a b", "/a\r\nb", "/é"] {
            assert!(
                parse(router_config::Redirect { path: Some(path.into()), ..none.clone() }).is_err(),
                "{path}"
            );
        }
        assert!(parse(router_config::Redirect { port: Some(0), ..none }).is_err());
    }
}
