//! The released `kubectl`, as a person or a pipeline would use it: arguments and YAML come in, what it printed goes out.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// `kubectl` with a kubeconfig and a namespace.
#[derive(Debug, Clone)]
pub struct Kubectl {
    binary: PathBuf,
    kubeconfig: PathBuf,
    namespace: String,
}

/// What one run of `kubectl` left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed on standard output.
    pub stdout: String,
    /// What it printed on standard error.
    pub stderr: String,
}

impl Kubectl {
    /// `kubectl` for objects in `namespace`, as the user of `kubeconfig`.
    pub fn new(binary: impl Into<PathBuf>, kubeconfig: impl Into<PathBuf>, namespace: &str) -> Self {
        Self { binary: binary.into(), kubeconfig: kubeconfig.into(), namespace: namespace.to_owned() }
    }

    /// The same user in another namespace.
    #[must_use]
    pub fn namespace(&self, namespace: &str) -> Self {
        Self::new(&self.binary, &self.kubeconfig, namespace)
    }

    /// Runs it with these arguments, whatever comes of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run(&self, args: &[&str]) -> Result<Output> {
        self.run_with(args, "").await
    }

    /// Runs it with these arguments and `stdin` on its standard input, whatever comes of it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run_with(&self, args: &[&str], stdin: &str) -> Result<Output> {
        let mut child =
            self.command(args).spawn().with_context(|| format!("start {}", self.binary.display()))?;
        let mut pipe = child.stdin.take().context("standard input is a pipe")?;
        let (_, output) = tokio::join!(
            async move { pipe.write_all(stdin.as_bytes()).await }, // it may end without reading everything
            child.wait_with_output(),
        );
        let output = output?;
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Runs it and returns its standard output.
    ///
    /// # Errors
    /// When it fails: shows what it printed on standard error.
    pub async fn ok(&self, args: &[&str]) -> Result<String> {
        self.run(args).await?.ok(args)
    }

    /// Runs it, expects it to fail, and returns its standard error.
    ///
    /// # Errors
    /// When it succeeds.
    pub async fn fails(&self, args: &[&str]) -> Result<String> {
        self.run(args).await?.fails(args)
    }

    /// `kubectl apply` of this YAML.
    ///
    /// # Errors
    /// When it fails: shows what it printed on standard error.
    pub async fn apply(&self, yaml: &str) -> Result<String> {
        self.run_with(APPLY, yaml).await?.ok(APPLY)
    }

    /// `kubectl apply` of YAML that is expected to be refused; returns standard error.
    ///
    /// # Errors
    /// When it is accepted.
    pub async fn apply_fails(&self, yaml: &str) -> Result<String> {
        self.run_with(APPLY, yaml).await?.fails(APPLY)
    }

    /// The value of one field, by kubectl's JSONPath without the braces, such as `.status.phase`.
    ///
    /// # Errors
    /// When there is no such object.
    pub async fn field(&self, object: &str, path: &str) -> Result<String> {
        self.ok(&["get", object, "-o", &format!("jsonpath={{{path}}}")]).await
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env("KUBECACHEDIR", self.kubeconfig.parent().unwrap_or(Path::new("/tmp")).join("kubectl"))
            .env("KUBECONFIG", &self.kubeconfig)
            .args(["--namespace", &self.namespace])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

const APPLY: &[&str] = &["apply", "-f", "-"];

impl Output {
    fn ok(self, args: &[&str]) -> Result<String> {
        if self.status.success() {
            return Ok(self.stdout);
        }
        bail!("kubectl {}: {}: {}{}", args.join(" "), self.status, self.stdout, self.stderr)
    }

    fn fails(self, args: &[&str]) -> Result<String> {
        if self.status.success() {
            bail!("kubectl {} should have failed, but printed: {}", args.join(" "), self.stdout);
        }
        Ok(self.stderr)
    }
}
