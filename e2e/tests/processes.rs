//! The processes of Apps on a machine without Kubernetes: written in another language, impossible to start, deaf.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Result, ensure};
use e2e::machine::{Machine, ended};
use e2e::{Kubectl, eventually, platform::WAIT};

use crate::up::{SITE, app, folders};

const SERVER: &str = r#"
import http.server, os

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"first from python\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

print("python listens on", os.environ["PORT"], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"#;

#[tokio::test]
async fn an_app_in_python_is_served_logged_and_edited() -> Result<()> {
    let python = Command::new("python3").arg("--version").output();
    if !python.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no python3 on this machine");
        return Ok(());
    }
    let shop = app("shop", "{command: [python3, server.py], workingDir: code}");
    let (_folder, manifests, data) = folders(&[("site.yaml", SITE), ("shop.yaml", &shop)])?;
    let server = manifests.join("code/server.py");
    std::fs::create_dir(manifests.join("code"))?;
    std::fs::write(&server, SERVER)?;
    let machine = Machine::start(&manifests, &data).await?;
    machine.told("ready", &["https://shop.flynn.localhost:"]).await?;
    machine.serves("shop.flynn.localhost", "first from python").await?;
    let logs = async |words: &[&str]| {
        eventually(&format!("the log has {words:?}"), WAIT, || async {
            let log = machine.kubectl.ok(&["logs", "deployment/shop-web"]).await?;
            ensure!(words.iter().all(|word| log.contains(word)), "{log}");
            Ok(())
        })
        .await
    };
    logs(&["python listens on ", "\"GET / HTTP/1.1\" 200"]).await?;
    std::fs::write(&server, SERVER.replace("first", "second"))?;
    let kubectl = &machine.kubectl;
    kubectl.ok(&["rollout", "restart", "deployment/shop-web"]).await?;
    kubectl.ok(&["rollout", "status", "deployment/shop-web", "--timeout=60s"]).await?;
    machine.serves("shop.flynn.localhost", "second from python").await?;
    let processes = machine.processes()?;
    machine.stop().await?;
    ended(&processes).await
}

/// Waits until an event of an App's Pods has these words.
async fn warned(kubectl: &Kubectl, app: &str, words: &str) -> Result<()> {
    eventually(&format!("{app} is warned of {words:?}"), WAIT, || async {
        let events = kubectl.ok(&["get", "events", "--field-selector=involvedObject.kind=Pod"]).await?;
        let found = events.lines().any(|line| line.contains(&format!("pod/{app}-")) && line.contains(words));
        ensure!(found, "{events}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_told_with_the_reason() -> Result<()> {
    let (_folder, manifests, data) = folders(&[
        ("site.yaml", SITE),
        ("script.yaml", &app("script", "{command: [./start.sh]}")),
        ("absent.yaml", &app("absent", "{command: [no-such-program]}")),
        ("homeless.yaml", &app("homeless", "{command: [flynn-operator, hello], workingDir: no/such/folder}")),
        ("mute.yaml", &app("mute", "{command: [sleep, '1000']}")),
    ])?;
    let script = manifests.join("start.sh");
    std::fs::write(&script, "#!/bin/sh\nexec flynn-operator hello --text mended\n")?;
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o644))?;
    let machine = Machine::start(&manifests, &data).await?;
    let kubectl = &machine.kubectl;
    warned(kubectl, "script", "start.sh\": permission denied: the file is not executable (chmod +x").await?;
    warned(kubectl, "absent", "exec: \"no-such-program\": executable file not found in $PATH").await?;
    warned(kubectl, "homeless", "no/such/folder").await?;
    warned(kubectl, "mute", "does not listen on port").await?;
    for app in ["script", "absent", "homeless", "mute"] {
        let app = format!("app/{app}");
        kubectl.ok(&["wait", "--for=condition=Available=false", &app, "--timeout=60s"]).await?;
    }
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755))?;
    kubectl.ok(&["delete", "pods", "-lflynn.io/app=script", "--wait=false"]).await?;
    machine.serves("script.flynn.localhost", "mended").await?;
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn a_process_that_ignores_sigterm_is_killed_with_its_children() -> Result<()> {
    // The shell and its `sleep` ignore the signal.
    let deaf = app("deaf", r#"{command: [sh, -c, "trap '' TERM; flynn-operator hello & sleep 1000"]}"#);
    let (_folder, manifests, data) = folders(&[("site.yaml", SITE), ("deaf.yaml", &deaf)])?;
    let machine = Machine::start(&manifests, &data).await?;
    machine.told("ready", &[]).await?;
    machine.serves("deaf.flynn.localhost", "the app deaf").await?;
    let (kubectl, processes) = (&machine.kubectl, machine.processes()?);
    let pod = kubectl.ok(&["get", "pods", "-lflynn.io/app=deaf", "-oname"]).await?;
    kubectl.ok(&["delete", pod.trim(), "--grace-period=1", "--wait", "--timeout=60s"]).await?;
    ended(&processes).await?;
    kubectl.ok(&["rollout", "status", "deployment/deaf-web", "--timeout=60s"]).await?;
    machine.serves("deaf.flynn.localhost", "the app deaf").await?;
    // Ctrl-C would have to wait for the process as long as the Pod allows it, which is 30 seconds.
    let processes = machine.processes()?;
    machine.kill9()?;
    ended(&processes).await
}
