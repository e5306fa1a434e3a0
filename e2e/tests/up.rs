//! `flynn-operator up`: one process, no Kubernetes, Apps as processes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use e2e::definitions::repository;
use e2e::machine::{Machine, ended};
use e2e::process::Process;
use e2e::{eventually, http, platform::WAIT, tools};
use tempfile::TempDir;

/// A folder for one test, and in it a folder of manifests.
pub(crate) fn folders(manifests: &[(&str, &str)]) -> Result<(TempDir, PathBuf, PathBuf)> {
    let folder = tempfile::tempdir_in(tools::build_folder()?)?;
    let (files, data) = (folder.path().join("manifests"), folder.path().join("data"));
    std::fs::create_dir(&files)?;
    for (name, text) in manifests {
        std::fs::write(files.join(name), text)?;
    }
    Ok((folder, files, data))
}

pub(crate) fn app(name: &str, process: &str) -> String {
    format!(
        "{{apiVersion: flynn.io/v1alpha1, kind: App, metadata: {{name: {name}}}, spec: {{processes: {{web: {process}}}}}}}\n"
    )
}

pub(crate) const SITE: &str = "
{apiVersion: flynn.io/v1alpha1, kind: Cluster, metadata: {name: site}, spec: {domains: [
  {name: flynn.localhost, certificate: {namespace: default, name: wildcard}}]}}
---
{apiVersion: flynn.io/v1alpha1, kind: Certificate, metadata: {name: wildcard},
  spec: {selfSigned: {dnsNames: [flynn.localhost, '*.flynn.localhost']}}}
";

#[tokio::test]
async fn the_quickstart_is_served_with_the_generated_authority() -> Result<()> {
    let (_folder, _, data) = folders(&[])?;
    let machine = Machine::start(Path::new(&repository("manifests/examples/quickstart")), &data).await?;
    machine.told("ready", &["https://www.flynn.localhost:", "ca.crt"]).await?;
    machine.serves("www.flynn.localhost", "the app www").await?;
    let path = machine.https("shop.flynn.localhost", "/blog/first").await?;
    ensure!(path.text().contains("the app www"), "{path:?}");
    let apex = machine.https("flynn.localhost", "/a?b=c").await?;
    ensure!(apex.status == 308 && apex.header("location").contains("www.flynn.localhost"), "{apex:?}");
    let plain = http::get(machine.http(), "www.flynn.localhost", "/").await?;
    ensure!(plain.status == 308 && plain.header("location").starts_with("https://"), "{plain:?}");
    let processes = machine.processes()?;
    ensure!(processes.len() >= 4, "{processes:?}");
    ensure!(machine.stop().await?.success(), "it ended with an error");
    ended(&processes).await
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill_and_no_process_does() -> Result<()> {
    let (_folder, manifests, data) =
        folders(&[("a.yaml", SITE), ("b.yaml", &app("www", "{command: [flynn-operator, hello]}"))])?;
    let machine = Machine::start(&manifests, &data).await?;
    machine.told("ready", &[]).await?;
    let authority = std::fs::read_to_string(data.join("ca.crt"))?;
    machine.kubectl.ok(&["create", "configmap", "kept", "--from-literal=a=b"]).await?;
    let processes = machine.processes()?;
    machine.kill9()?;
    ended(&processes).await?;

    let machine = Machine::start(&manifests, &data).await?;
    ensure!(machine.kubectl.field("configmap/kept", ".data.a").await? == "b");
    machine.told("ready", &[]).await?;
    machine.serves("www.flynn.localhost", "the app www").await?;
    ensure!(std::fs::read_to_string(data.join("ca.crt"))? == authority, "the authority is another one");
    let (status, said) = Machine::fails([&manifests], &data).await?;
    ensure!(
        status.code() == Some(1) && said.contains(&format!("in use by process {}", machine.id())),
        "{said}"
    );

    let (backup, operator) = (data.with_extension("backup"), tools::operator()?);
    let run = |command: &str, data: &Path| {
        std::process::Command::new(&operator).arg(command).arg(&backup).arg("--data-dir").arg(data).output()
    };
    let saved = run("backup", &data)?;
    ensure!(saved.status.success(), "{saved:?}");
    let elsewhere = data.with_extension("restored");
    std::fs::create_dir(&elsewhere)?;
    let restored = run("restore", &elsewhere)?;
    ensure!(restored.status.success(), "{restored:?}");
    ensure!(!run("restore", &elsewhere)?.status.success(), "what is there already is not replaced");
    let copy = Machine::start(&manifests, &elsewhere).await?;
    ensure!(copy.kubectl.field("configmap/kept", ".data.a").await? == "b");
    copy.stop().await?;
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn a_process_that_does_not_get_ready_says_why_and_harms_no_other() -> Result<()> {
    let (_folder, manifests, data) = folders(&[
        ("site.yaml", SITE),
        ("www.yaml", &app("www", "{command: [flynn-operator, hello]}")),
        ("nothing.yaml", &app("nothing", "{}")),
        ("absent.yaml", &app("absent", "{command: [no-such-program]}")),
        ("ends.yaml", &app("ends", "{command: [sh, -c, 'echo no room left; exit 3']}")),
        ("deaf.yaml", &app("deaf", "{command: [sleep, '1000']}")),
    ])?;
    let machine = Machine::start(&manifests, &data).await?;
    machine.told("failed", &["App default/nothing", "spec.processes.web.command"]).await?;
    let waiting = async |app: &str, reasons: &[&str]| {
        let selector = format!("-lflynn.io/app={app}");
        eventually(&format!("{app} waits for {reasons:?}"), WAIT, || async {
            let path = "-ojsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}";
            let reason = machine.kubectl.ok(&["get", "pods", &selector, path]).await?;
            ensure!(reasons.contains(&reason.as_str()), "{reason}");
            Ok(())
        })
        .await
    };
    waiting("absent", &["RunContainerError", "CrashLoopBackOff"]).await?;
    waiting("ends", &["CrashLoopBackOff"]).await?;
    let words = machine.kubectl.ok(&["logs", "deployment/ends-web", "--previous"]).await?;
    ensure!(words == "no room left\n", "{words}");
    machine.kubectl.ok(&["wait", "--for=condition=Available=false", "app/deaf", "--timeout=30s"]).await?;
    machine.serves("www.flynn.localhost", "the app www").await?;
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn the_folder_is_followed_and_a_typing_error_deletes_nothing() -> Result<()> {
    let www = app("www", "{command: [flynn-operator, hello, --text, first]}");
    let (_folder, manifests, data) = folders(&[("site.yaml", SITE), ("www.yaml", &www)])?;
    let machine = Machine::start(&manifests, &data).await?;
    machine.told("ready", &[]).await?;
    machine.serves("www.flynn.localhost", "first").await?;
    std::fs::write(manifests.join("www.yaml"), www.replace("first", "second"))?;
    machine.serves("www.flynn.localhost", "second").await?;
    std::fs::write(manifests.join("broken.yaml"), "kind: [")?;
    machine.told("failed", &["broken.yaml", "not YAML"]).await?;
    std::fs::write(
        manifests.join("broken.yaml"),
        "{apiVersion: flynn.io/v1alpha1, kind: Rout, metadata: {name: a}}",
    )?;
    machine.told("failed", &["broken.yaml", "there is no Rout"]).await?;
    std::fs::rename(manifests.join("www.yaml"), manifests.join("www.txt"))?;
    std::fs::write(manifests.join("more.yaml"), "{apiVersion: v1, kind: ConfigMap, metadata: {name: more}}")?;
    eventually("more is applied", WAIT, || machine.kubectl.ok(&["get", "configmap", "more"])).await?;
    machine.serves("www.flynn.localhost", "second").await?;
    std::fs::remove_file(manifests.join("broken.yaml"))?;
    machine.told("applied", &["App default/www"]).await?;
    let kubectl = &machine.kubectl;
    kubectl.ok(&["wait", "--for=delete", "app/www", "--timeout=60s"]).await?;
    kubectl.ok(&["wait", "--for=delete", "pods", "--all", "--timeout=60s"]).await?;
    machine.stop().await.map(drop)
}

#[tokio::test]
async fn what_cannot_start_says_what_to_do() -> Result<()> {
    let (folder, manifests, data) = folders(&[("site.yaml", SITE)])?;
    let fails = async |args: &[&str], data: &Path, words: &[&str]| {
        let (status, said) = Machine::fails(args, data).await?;
        ensure!(status.code() == Some(1), "{args:?}: {status}: {said}");
        ensure!(words.iter().all(|word| said.contains(word)), "{args:?}: {said}");
        anyhow::Ok(())
    };
    let manifests = manifests.display().to_string();
    fails(&["/nonexistent/manifests"], &data, &["/nonexistent/manifests"]).await?;
    let empty = tempfile::tempdir_in(folder.path())?;
    fails(&[&empty.path().display().to_string()], &data, &["no *.yaml"]).await?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    for flag in ["--api-port", "--http-port", "--https-port"] {
        fails(&[&manifests, flag, &port], &data, &[&port]).await?;
    }
    let users = folder.path().join("users.yaml");
    std::fs::write(&users, "users:\n- {name: ann, role: king}\n")?;
    fails(&[&manifests, "--users", &users.display().to_string()], &data, &["users.yaml", "line 2"]).await?;
    let newer = folder.path().join("newer");
    std::fs::create_dir_all(newer.join("store"))?;
    std::fs::write(newer.join("store/objects.v99.redb"), "")?;
    fails(&[&manifests], &newer, &["written by a newer release"]).await
}

#[tokio::test]
async fn the_platform_may_open_as_many_files_as_the_system_allows() -> Result<()> {
    let (folder, _, data) = folders(&[])?;
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -n 256 && exec \"$@\"", "sh"]).arg(tools::operator()?);
    command.args(["up", "--api-port=0", "--http-port=0", "--https-port=0", "--data-dir"]).arg(&data);
    let process = Process::start("up", command, folder.path(), None)?;
    eventually("it has raised its limit", WAIT, || async {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id()))?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let numbers: Vec<_> = line.unwrap_or_default().split_whitespace().take(2).collect();
        ensure!(numbers.len() == 2 && numbers[0] == numbers[1] && numbers[0] != "256", "{numbers:?}");
        Ok(())
    })
    .await
}
