//! Where the programs are that the suite starts: each from its environment variable, else from its script in `e2e/tools`,
//! else from beside the running test.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// The control plane's binary: `FLYNN_CONTROL_PLANE`, or built by `e2e/tools/control-plane`.
///
/// # Errors
/// When the script fails.
pub async fn control_plane() -> Result<PathBuf> {
    from_script("FLYNN_CONTROL_PLANE", "control-plane").await
}

/// The released kubectl: `KUBECTL`, or downloaded by `e2e/tools/kubectl`.
///
/// # Errors
/// When the script fails.
pub async fn kubectl() -> Result<PathBuf> {
    from_script("KUBECTL", "kubectl").await
}

/// The released helm: `HELM`, or downloaded by `e2e/tools/helm`.
///
/// # Errors
/// When the script fails.
pub async fn helm() -> Result<PathBuf> {
    from_script("HELM", "helm").await
}

/// The operator's binary: `FLYNN_OPERATOR`, or `flynn-operator` of the same build as the running program.
///
/// # Errors
/// When it has not been built.
pub fn operator() -> Result<PathBuf> {
    let path = match env::var_os("FLYNN_OPERATOR") {
        Some(path) => path.into(),
        None => build_folder()?.join("flynn-operator"),
    };
    ensure!(path.exists(), "{} is missing: run cargo build -p operator", path.display());
    Ok(path)
}

/// The folder of the running program's build, such as `target/debug`.
///
/// # Errors
/// When the running program is not in a build folder.
pub fn build_folder() -> Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.ancestors().find(|folder| folder.join("deps").is_dir());
    Ok(folder.context("the running program is not in a folder that cargo built")?.to_owned())
}

async fn from_script(variable: &str, script: &str) -> Result<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Ok(path.into());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools").join(script);
    let output = Command::new(&script).output().await.with_context(|| format!("run {}", script.display()))?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {error}; set {variable} to its program", script.display());
    Ok(String::from_utf8(output.stdout)?.trim().into())
}
