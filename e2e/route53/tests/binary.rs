//! The binary and its control endpoint.

use std::process::Stdio;

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::bed::{client, refused};

/// Starts the binary; it ends with the returned child.
async fn start(arguments: &[&str]) -> (Child, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_route53-double"));
    let mut child = command.args(arguments).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// Sends a command to the control endpoint and returns its JSON.
async fn control(endpoint: &str, request: &str, body: &Value) -> Value {
    let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).await.unwrap();
    let body = body.to_string();
    let (method, path) = request.split_once(' ').unwrap();
    let head = format!(
        "{method} /_control/{path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn the_binary_tells_where_it_is_and_serves_its_zones() {
    let (_child, ready) = start(&["--zone", "site.test", "--zone", "other.test"]).await;
    let client = client(ready["endpoint"].as_str().unwrap(), "AKIDEXAMPLE");
    let zone =
        client.get_hosted_zone().id(ready["zones"]["other.test"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(zone.hosted_zone.unwrap().name, "other.test.");
    let dns = ready["dns"].as_str().unwrap().parse().unwrap();
    let response = route53_double::query::ask(dns, "site.test.", RecordType::SOA).await.unwrap();
    assert_eq!(response.answers.len(), 1);
}

#[tokio::test]
async fn the_control_endpoint_orders_faults_and_tells_the_calls() {
    let (_child, ready) = start(&[]).await;
    let endpoint = ready["endpoint"].as_str().unwrap();
    let client = client(endpoint, "AKIDEXAMPLE");
    let fault = json!({ "action": "ListHostedZones", "times": 1, "fault": "throttle" });
    assert_eq!(control(endpoint, "POST faults", &fault).await, json!({}));
    refused(&client.list_hosted_zones().send().await.unwrap_err()).is("Throttling", "");
    client.list_hosted_zones().send().await.unwrap();
    let calls = control(endpoint, "GET calls", &Value::Null).await;
    assert_eq!((&calls[0]["code"], &calls[1]["status"]), (&json!("Throttling"), &json!(200)));
    let nonsense = control(endpoint, "POST health", &json!({ "address": 1 })).await;
    assert!(nonsense["error"].is_string());
}
