//! Checkers that really connect.

use std::time::Duration;

use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use route53_double::settings::{Probes, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::bed::{Bed, in_time};

async fn bed() -> Bed {
    let probes = Probes { interval: Duration::from_millis(10), timeout: Duration::from_secs(4) };
    Bed::with(Settings { probes: Some(probes), allow_local_addresses: true, ..Settings::instant() }).await
}

async fn check(bed: &Bed, kind: HealthCheckType, port: u16) -> String {
    let config = HealthCheckConfig::builder().r#type(kind).ip_address("127.0.0.1").port(port.into());
    let request = bed.client.create_health_check().caller_reference(port.to_string());
    let created = request.health_check_config(config.build().unwrap()).send().await.unwrap();
    created.health_check.unwrap().id
}

/// Waits until all checkers tell a status that begins so.
async fn wait_for(bed: &Bed, check: &str, expected: &str) {
    loop {
        let got = bed.client.get_health_check_status().health_check_id(check).send().await.unwrap();
        let mut reports = got.health_check_observations().iter().filter_map(|seen| seen.status_report());
        if reports.any(|report| report.status().is_some_and(|status| status.starts_with(expected))) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_tcp_check_sees_a_listener_come_and_go() {
    let bed = bed().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let check = check(&bed, HealthCheckType::Tcp, listener.local_addr().unwrap().port()).await;
    in_time(wait_for(&bed, &check, "Success: ")).await;
    drop(listener);
    in_time(wait_for(&bed, &check, "Failure: ")).await;
}

#[tokio::test]
async fn an_http_check_wants_a_good_status() {
    let bed = bed().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let check = check(&bed, HealthCheckType::Http, listener.local_addr().unwrap().port()).await;
    for (status, expected) in
        [("503 Busy", "Failure: HTTP Status Code 503"), ("200 OK", "Success: HTTP Status Code 200")]
    {
        tokio::select! {
            () = serve(&listener, status) => {}
            () = in_time(wait_for(&bed, &check, expected)) => {}
        }
    }
}

/// Answers every request with this status.
async fn serve(listener: &TcpListener, status: &str) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1_024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
    }
}
