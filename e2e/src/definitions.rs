//! The custom resource definitions, and where they and other files of the repository are.

use std::path::Path;

use anyhow::Result;
use tokio::sync::OnceCell;

use crate::TestBed;

/// Applies the custom resource definitions, once for this test bed, and waits until the API serves them.
///
/// # Errors
/// When the API refuses one.
pub async fn install(bed: &TestBed) -> Result<()> {
    if bed.control_plane().is_embedded() {
        return Ok(()); // it has them
    }
    static APPLIED: OnceCell<()> = OnceCell::const_new();
    APPLIED.get_or_try_init(|| apply(bed)).await.copied()
}

/// Applies them, and waits until the API serves them.
pub(crate) async fn apply(bed: &TestBed) -> Result<()> {
    let (kubectl, folder) = (bed.kubectl("default"), repository("crds/yaml"));
    kubectl.ok(&["apply", "-f", &folder]).await?;
    kubectl.ok(&["wait", "--for=condition=Established", "-f", &folder, "--timeout=30s"]).await?;
    Ok(())
}

/// A file or folder of the repository, as an argument.
#[must_use]
pub fn repository(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("");
    root.join(path).display().to_string()
}
