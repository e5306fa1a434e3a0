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

/// nginx: `NGINX`, or found or unpacked by `e2e/tools/nginx`.
///
/// # Errors
/// When the script fails.
pub async fn nginx() -> Result<PathBuf> {
    from_script("NGINX", "nginx").await
}

/// moto's server: `MOTO`, or downloaded by `e2e/tools/moto`.
///
/// # Errors
/// When the script fails.
pub async fn moto() -> Result<PathBuf> {
    from_script("MOTO", "moto").await
}

/// The library with the clock that a test sets ahead: `CLOCK`, or built by `e2e/tools/clock`.
///
/// # Errors
/// When the script fails.
pub async fn clock() -> Result<PathBuf> {
    from_script("CLOCK", "clock").await
}

/// The recording server of `e2e/backends/go`: `GO_BACKEND`, or built by `e2e/tools/go-backend`.
///
/// # Errors
/// When the script fails.
pub async fn go_backend() -> Result<PathBuf> {
    from_script("GO_BACKEND", "go-backend").await
}

/// The router's binary: `FLYNN_ROUTER`, or `flynn-router` of the same build as the running program.
///
/// # Errors
/// When it has not been built.
pub fn router() -> Result<PathBuf> {
    from_build("FLYNN_ROUTER", "flynn-router", "router")
}

/// A program that others make, such as `nginx`: got by the script of that name in `e2e/tools`.
///
/// # Errors
/// When the script fails.
pub async fn program(name: &str) -> Result<PathBuf> {
    from_script(&name.to_uppercase(), name).await
}

/// The operator's binary: `FLYNN_OPERATOR`, or `flynn-operator` of the same build as the running program.
///
/// # Errors
/// When it has not been built.
pub fn operator() -> Result<PathBuf> {
    from_build("FLYNN_OPERATOR", "flynn-operator", "flynn-operator")
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

fn from_build(variable: &str, program: &str, package: &str) -> Result<PathBuf> {
    let path = match env::var_os(variable) {
        Some(path) => path.into(),
        None => build_folder()?.join(program),
    };
    ensure!(path.exists(), "{} is missing: run cargo build -p {package}", path.display());
    Ok(path)
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
