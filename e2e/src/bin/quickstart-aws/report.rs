//! What a person sees when everything is ready: the Cluster and its nodes, the calls that it took, what DNS answers, a
//! request to an address that DNS gave, and an object that an App stores and reads. Each line that is printed to be tried was
//! tried just now.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use e2e::http::Connection;
use e2e::machine::Machine;
use e2e::{Amazon, Trust};
use hickory_proto::rr::RecordType;
use http::{Method, Request};
use http_body_util::Full;
use route53_double::query::ask;
use serde_json::Value;

use crate::{BUCKET, DOMAIN};

/// The platform that is told of.
pub(crate) struct Report<'a> {
    /// The account.
    pub(crate) amazon: &'a Amazon,
    /// The operator.
    pub(crate) machine: &'a Machine,
    /// Its data folder.
    pub(crate) data: &'a Path,
    /// The port of HTTPS at each address.
    pub(crate) https: u16,
}

impl Report<'_> {
    /// Prints it.
    pub(crate) async fn print(&self) -> Result<()> {
        self.cluster().await?;
        self.calls();
        let address = self.names().await?;
        let page = self.request(&address, "www", "/", None).await?;
        println!("{}", page.trim_end());
        self.objects(&address).await?;
        println!("\nTo see it act:");
        println!("  kubectl cordon node-1                     it leaves DNS, and its Elastic IP stays");
        println!(
            "  kubectl delete node node-2                its Elastic IP is released a good while after its record"
        );
        println!("  kubectl get events --field-selector involvedObject.kind=Cluster");
        println!("  sicken node-3, revive node-3, kill node-3 typed here, and then: dig {DOMAIN}, calls");
        Ok(())
    }

    /// The Cluster's row, and a row for each node from its status.
    async fn cluster(&self) -> Result<()> {
        println!("\n$ kubectl get clusters -o wide");
        print!("{}", self.machine.kubectl.ok(&["get", "clusters", "-o", "wide"]).await?);
        let cluster = self.machine.kubectl.ok(&["get", "cluster", "site", "-o", "json"]).await?;
        let cluster: Value = serde_json::from_str(&cluster)?;
        println!("\nits status.addresses:");
        for node in cluster["status"]["addresses"].as_array().into_iter().flatten() {
            let text = |field: &str| node[field].as_str().unwrap_or("-").to_owned();
            let [name, instance, address, dns, health] =
                ["node", "instanceID", "address", "dns", "health"].map(text);
            println!("  {name:8} {instance:20} {address:16} {dns:10} {health}");
        }
        Ok(())
    }

    fn calls(&self) {
        println!("\nAWS calls so far, by action:");
        for (action, count) in self.amazon.proxy.calls_by_action() {
            println!("  {count:4} {action}");
        }
    }

    /// What the name server answers; an address that it gave is returned.
    async fn names(&self) -> Result<String> {
        let dns = self.amazon.route53.dns();
        let mut found = None;
        for name in [DOMAIN.to_owned(), format!("www.{DOMAIN}")] {
            println!("\n$ dig @{} -p {} {name} A +short", dns.ip(), dns.port());
            let answer = ask(dns, &name, RecordType::A).await?;
            for record in &answer.answers {
                println!("{}", record.data);
                if record.record_type() == RecordType::A {
                    found = Some(record.data.to_string());
                }
            }
        }
        found.context("DNS has an address")
    }

    /// The Blobstore, and what an App does with its keys.
    async fn objects(&self, address: &str) -> Result<()> {
        println!("\n$ kubectl -n quickstart get blobstores");
        print!("{}", self.machine.kubectl.namespace("quickstart").ok(&["get", "blobstores"]).await?);
        self.request(address, "notes", "/greeting", Some("Hello from a bucket.")).await?;
        let read = self.request(address, "notes", "/greeting", None).await?;
        println!("{read}");
        let objects = self.amazon.account.s3.list_objects_v2().bucket(BUCKET).send().await?;
        for object in objects.contents() {
            let (name, size) = (object.key().unwrap_or_default(), object.size().unwrap_or_default());
            println!("\nThe bucket {BUCKET} has the object {name} of {size} bytes now.");
        }
        Ok(())
    }

    /// Asks an App for a path at the address of a machine, or PUTs a text there, and shows how a person does; returns the body of the answer.
    async fn request(&self, address: &str, app: &str, path: &str, put: Option<&str>) -> Result<String> {
        let (host, port, ca) = (format!("{app}.{DOMAIN}"), self.https, self.data.join("ca.crt"));
        let url = format!("--resolve {host}:{port}:{address} https://{host}:{port}{path}");
        let sent = put.map(|text| format!(" --request PUT --data '{text}'")).unwrap_or_default();
        let method = if put.is_some() { Method::PUT } else { Method::GET };
        println!("\n$ curl --cacert {} {url}{sent}", ca.display());
        let authority = std::fs::read_to_string(&ca).context("read ca.crt")?;
        let at = format!("{address}:{port}").parse()?;
        let mut connection = Connection::open_tls(at, Some(&host), Trust::Authority(&authority)).await?;
        let request = Request::builder().method(method).uri(path).header("host", &host);
        let answer = connection.send(request.body(Full::from(put.unwrap_or_default().to_owned()))?).await?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        Ok(answer.text())
    }
}
