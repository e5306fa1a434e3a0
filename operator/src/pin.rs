//! The command `pin`: a PEM certificate comes in, its TLSPin goes out on standard output.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::args::PinArguments;
use crate::stdout::print_line;

/// Why there is no pin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file cannot be read, or is no text.
    #[error("{} cannot be read ({cause}): give a file with a PEM certificate, or - for standard input", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// There is no certificate in it.
    #[error("{} has no certificate that can be read ({cause}): give the PEM file that is served as tls.crt", .path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: plan::PairError,
    },
}

/// Prints the pin of the first certificate.
pub(crate) fn run(arguments: &PinArguments) -> Result<(), Error> {
    print_line(&pin(&arguments.file)?);
    Ok(())
}

fn pin(path: &Path) -> Result<String, Error> {
    let text = read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
    plan::tls_pin(&text).map_err(|cause| Error::NoCertificate { path: path.to_owned(), cause })
}

fn read(path: &Path) -> io::Result<String> {
    if path != Path::new("-") {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn the_pin_is_the_digest_of_the_leaf() {
        let certified = rcgen::generate_simple_self_signed(["site.com".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        std::fs::write(&path, certified.cert.pem()).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certified.cert.der());
        assert_eq!(pin(&path).unwrap(), BASE64_STANDARD.encode(digest));
    }

    #[test]
    fn a_file_without_a_certificate_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        std::fs::write(&path, "nothing").unwrap();
        assert!(pin(&path).unwrap_err().to_string().contains("has no certificate"));
    }
}
