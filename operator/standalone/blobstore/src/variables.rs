//! The variables that an App reads.
//!
//! With S3 an App has Flynn's `DEFAULT_BACKEND` and the `BACKEND_<NAME>` that it names, beside those of AWS. Here it has the same two, with a
//! backend of another kind, and `BLOBSTORE_URL`, which needs no taking apart. The variables of AWS are missing on purpose: with them an SDK
//! would go to the real S3, with a key that is none.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::AccessKey;

const URL: &str = "BLOBSTORE_URL";

/// The entries of an App's environment, for the server's address and a key.
#[must_use]
pub fn variables(server: SocketAddr, key: &AccessKey) -> BTreeMap<String, String> {
    let url = format!("http://{server}/{}", key.reveal());
    let entries = [
        ("BACKEND_LOCAL", format!("backend=local url={url}")),
        (URL, url),
        ("DEFAULT_BACKEND", "local".to_owned()),
    ];
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The key in [`variables`] that were kept, for whichever address they were made.
#[must_use]
pub fn kept_key(variables: &BTreeMap<String, String>) -> Option<AccessKey> {
    let (_, key) = variables.get(URL)?.rsplit_once('/')?;
    AccessKey::parse(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_has_the_url_and_the_variables_of_flynn() {
        let key = AccessKey::generate();
        let url = format!("http://127.0.0.1:4100/{}", key.reveal());
        let expected = [
            ("BACKEND_LOCAL", format!("backend=local url={url}")),
            ("BLOBSTORE_URL", url),
            ("DEFAULT_BACKEND", "local".to_owned()),
        ];
        let variables = variables(([127, 0, 0, 1], 4100).into(), &key);
        assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn the_key_is_found_again_in_variables_that_were_kept() {
        let made = AccessKey::generate();
        let mut variables = variables(([127, 0, 0, 1], 4100).into(), &made);
        assert_eq!(kept_key(&variables), Some(made));
        variables.insert(URL.to_owned(), "http://127.0.0.1:4100/".to_owned());
        assert_eq!(kept_key(&variables), None);
        assert_eq!(kept_key(&BTreeMap::new()), None);
    }
}
