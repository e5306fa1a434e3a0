//! The default certificate from flags, which name files, or from variables, which hold the PEM itself.

use anyhow::{Result, bail};
use router_config::{KeyPair, PrivateKey};

use super::text_of;
use crate::args::Flags;

/// The certificate with its key, if one is given.
pub(super) fn read(flags: &Flags, given: impl Fn(&str) -> Option<String>) -> Result<Option<KeyPair>> {
    let (chain, key) = match (&flags.tls_cert, &flags.tls_key) {
        (Some(chain), Some(key)) => (text_of(chain)?, text_of(key)?),
        _ => match (given("TLSCERT"), given("TLSKEY")) {
            (Some(chain), Some(key)) => (chain, key),
            (None, None) => return Ok(None),
            _ => bail!("TLSCERT and TLSKEY belong together: set both, or none"),
        },
    };
    Ok(Some(KeyPair { chain, key: PrivateKey::new(key) }))
}
