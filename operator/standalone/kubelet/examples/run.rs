//! Runs the Pods of one namespace of the cluster that KUBECONFIG names, for trials:
//!
//! ```text
//! cargo run -p kubelet --example run -- NAMESPACE NODE FOLDER
//! ```
//!
//! Every log that is asked for on standard input, as `POD [OPTION...]`, is printed.

use std::path::PathBuf;
use std::process::ExitCode;

use futures::StreamExt as _;
use kubelet::shim::{self, Shim};
use kubelet::{Kubelet, LogOptions, Options};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::signal::unix::{SignalKind, signal};

const SHIM: &str = "run-process";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(SHIM) {
        return shim::main();
    }
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("it is the first one");
    tracing_subscriber::fmt().with_env_filter("kubelet=debug,warn").with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("threads can be started");
    runtime.block_on(run());
    // The thread that reads standard input cannot be told to end.
    runtime.shutdown_background();
    ExitCode::SUCCESS
}

async fn run() {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().unwrap_or_else(|| panic!("{what} is missing"));
    let (namespace, node, folder) = (next("NAMESPACE"), next("NODE"), PathBuf::from(next("FOLDER")));
    let client = kube::Client::try_default().await.expect("KUBECONFIG names a cluster");
    let options = Options::new(&node, folder.clone(), folder, Shim::this_program(SHIM));
    let options = Options { namespace: Some(namespace.clone()), ..options };
    let kubelet = Kubelet::start(client, options).expect("the folder can be used");
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be received");
    loop {
        tokio::select! {
            Ok(Some(line)) = lines.next_line() => print_log(&kubelet, &namespace, &line).await,
            _ = terminate.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    kubelet.stop().await;
}

async fn print_log(kubelet: &Kubelet, namespace: &str, line: &str) {
    let mut words = line.split_whitespace();
    let pod = words.next().unwrap_or_default();
    let mut options = LogOptions::default();
    for word in words {
        match word {
            "follow" => options.follow = true,
            "previous" => options.previous = true,
            "timestamps" => options.timestamps = true,
            container => options.container = Some(container.to_owned()),
        }
    }
    match kubelet.logs().log(namespace, pod, &options) {
        Ok(mut text) => {
            while let Some(Ok(piece)) = text.next().await {
                print!("{}", String::from_utf8_lossy(&piece));
            }
        }
        Err(error) => println!("{}: {error}", error.status()),
    }
}
