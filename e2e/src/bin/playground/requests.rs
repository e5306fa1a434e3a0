//! The requests that a person can try: ports come in, `curl` lines go out, after each of them was tried.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::{env, fmt, fs};

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// What curl prints after the body.
const SUMMARY: &str = "\n%{http_code} %{redirect_url}";

/// The end of curl that means that it does not know the host: an old one, which does not resolve *.localhost by itself.
const UNKNOWN_HOST: i32 = 6;

/// The variables that make curl ask a proxy, which does not know this machine's own names.
const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The requests of one playground.
#[derive(Debug)]
pub(crate) struct Requests {
    folder: PathBuf,
    http: u16,
    https: u16,
    /// The folder of kubectl, unless the person has one.
    kubectl: Option<PathBuf>,
    list: Vec<Request>,
    curl_resolves: Cell<bool>,
}

#[derive(Debug)]
struct Request {
    what: String,
    host: &'static str,
    port: u16,
    url: String,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    /// 200 by a Pod whose name begins so.
    Pod(&'static str),
    /// 308 to this URL.
    Redirect(String),
}

impl Requests {
    pub(crate) fn new(folder: &Path, kubectl: &Path, http: u16, https: u16) -> Self {
        let get = |host, path, what: &str, pod| {
            let url = format!("https://{host}:{https}{path}");
            Request { what: what.into(), host, port: https, url, answer: Answer::Pod(pod) }
        };
        let redirect = |host, port, from: String, to: String| {
            let what = format!("308 to {to}");
            Request { what, host, port, url: from, answer: Answer::Redirect(to) }
        };
        let (apex, www) = ("flynn.localhost", "www.flynn.localhost");
        let list = vec![
            get(www, "/", "the app www", "www-web-"),
            get("shop.flynn.localhost", "/", "the app shop", "shop-web-"),
            get("shop.flynn.localhost", "/blog/first", "a path of shop that www answers", "www-web-"),
            redirect(
                apex,
                https,
                format!("https://{apex}:{https}/a?b=c"),
                format!("https://{www}:{https}/a?b=c"),
            ),
            redirect(www, http, format!("http://{www}:{http}/"), format!("https://{www}:{https}/")),
        ];
        let path = env::var_os("PATH").unwrap_or_default();
        let has_kubectl = env::split_paths(&path).any(|folder| folder.join("kubectl").is_file());
        let kubectl = kubectl.parent().filter(|_| !has_kubectl).map(Path::to_owned);
        let folder = folder.to_owned();
        Self { folder, http, https, kubectl, list, curl_resolves: Cell::new(true) }
    }

    /// Makes every request with the `curl` of this machine.
    ///
    /// # Errors
    /// When one is not answered as it should be.
    pub(crate) async fn try_all(&self) -> Result<()> {
        for request in &self.list {
            let mut output = self.curl(request).await?;
            if output.status.code() == Some(UNKNOWN_HOST) {
                self.curl_resolves.set(false);
                output = self.curl(request).await?;
            }
            let text = String::from_utf8_lossy(&output.stdout);
            let (body, summary) = text.rsplit_once('\n').unwrap_or_default();
            let right = match &request.answer {
                Answer::Pod(name) => summary == "200 " && body.contains(&format!("pod={name}")),
                Answer::Redirect(to) => summary == format!("308 {to}"),
            };
            let error = String::from_utf8_lossy(&output.stderr);
            ensure!(right, "{}: expected {:?}, got {text}{error}", request.url, request.answer);
        }
        Ok(())
    }

    /// Writes the file `env` for scripts.
    pub(crate) fn write_env(&self) -> Result<()> {
        let Self { folder, http, https, .. } = self;
        let folder = folder.display();
        let text = format!(
            "export KUBECONFIG={folder}/kubeconfig CACERT={folder}/ca.crt HTTP_PORT={http} HTTPS_PORT={https}\n"
        );
        fs::write(self.folder.join("env"), text)?;
        Ok(())
    }

    async fn curl(&self, request: &Request) -> Result<Output> {
        let mut command = Command::new("curl");
        command.args(["-sS", "--max-time", "10", "-w", SUMMARY]).args(self.flags(request)).arg(&request.url);
        command.output().await.context("run curl: install it to try the requests")
    }

    fn flags(&self, request: &Request) -> Vec<String> {
        let mut flags = Vec::new();
        if request.url.starts_with("https:") {
            flags.extend(["--cacert".into(), self.folder.join("ca.crt").display().to_string()]);
        }
        if !self.curl_resolves.get() {
            flags.extend(["--resolve".into(), format!("{}:{}:127.0.0.1", request.host, request.port)]);
        }
        if PROXIES.iter().any(|name| env::var_os(name).is_some()) {
            flags.extend(["--noproxy".into(), "localhost".into()]);
        }
        flags
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for request in &self.list {
            let mut flags = self.flags(request);
            if matches!(request.answer, Answer::Redirect(_)) {
                flags.insert(0, "-i".into());
            }
            let flags = flags.join(" ");
            writeln!(f, "  # {}\n  curl {flags} '{}'", request.what, request.url)?;
        }
        writeln!(f, "\n  # its Kubernetes, for kubectl")?;
        if let Some(path) = &self.kubectl {
            writeln!(f, "  export PATH=$PATH:{}", path.display())?;
        }
        writeln!(f, "  export KUBECONFIG={}", self.folder.join("kubeconfig").display())?;
        write!(f, "  kubectl get clusters,apps,routes,certificates,routernodes")
    }
}
