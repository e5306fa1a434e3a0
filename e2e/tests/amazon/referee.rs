//! Our double of Route 53 beside moto's, where moto is right: the same steps, the same answers, through the real SDK.

use anyhow::{Context, Result};
use aws_sdk_route53::Client;
use aws_sdk_route53::error::ProvideErrorMetadata;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, HealthCheckConfig, HealthCheckType, ResourceRecord, ResourceRecordSet,
    RrType, Tag, TagResourceType,
};
use e2e::Amazon;
use e2e::amazon::credentials;

/// A zone on one of the two.
struct Zone {
    client: Client,
    id: String,
}

impl Zone {
    async fn new(client: Client) -> Result<Self> {
        let create = client.create_hosted_zone().name("site.test").caller_reference("referee");
        let id = create.send().await?.hosted_zone.context("it was made")?.id;
        let id = id.trim_start_matches("/hostedzone/").to_owned();
        Ok(Self { client, id })
    }

    /// What a batch comes to: `ok`, or the code that it is refused with.
    async fn change(&self, changes: &[(ChangeAction, ResourceRecordSet)]) -> Result<String> {
        let change = |(action, set): &(ChangeAction, ResourceRecordSet)| {
            Change::builder().action(action.clone()).resource_record_set(set.clone()).build()
        };
        let changes = changes.iter().map(change).collect::<Result<_, _>>()?;
        let batch = ChangeBatch::builder().set_changes(Some(changes)).build()?;
        let sent =
            self.client.change_resource_record_sets().hosted_zone_id(&self.id).change_batch(batch).send();
        Ok(outcome(sent.await))
    }

    /// Its records in a form that both have: moto does not escape the asterisk.
    async fn records(&self) -> Result<Vec<String>> {
        let listed = self.client.list_resource_record_sets().hosted_zone_id(&self.id).send().await?;
        let own = listed
            .resource_record_sets
            .into_iter()
            .filter(|set| !matches!(set.r#type, RrType::Ns | RrType::Soa));
        let mut lines: Vec<_> = own.map(|set| line(&set)).collect();
        lines.sort_unstable(); // the order among sets of one name is nobody's promise
        Ok(lines)
    }
}

fn line(set: &ResourceRecordSet) -> String {
    let values: Vec<_> = set.resource_records().iter().map(ResourceRecord::value).collect();
    format!(
        "{} {} {:?} ttl={:?} multi={:?} weight={:?} check={} {values:?}",
        set.name.replace("\\052", "*"),
        set.r#type.as_str(),
        set.set_identifier().unwrap_or_default(),
        set.ttl(),
        set.multi_value_answer(),
        set.weight(),
        set.health_check_id().is_some(),
    )
}

fn outcome<T, E: ProvideErrorMetadata>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code().unwrap_or("no answer").to_owned(),
    }
}

fn set(name: &str, kind: RrType, value: &str) -> Result<ResourceRecordSet> {
    let record = ResourceRecord::builder().value(value).build()?;
    Ok(ResourceRecordSet::builder().name(name).r#type(kind).ttl(60).resource_records(record).build()?)
}

/// One address of the apex.
fn multivalue(identifier: &str, value: &str, check: &str) -> Result<ResourceRecordSet> {
    let mut set = set("site.test", RrType::A, value)?;
    set.set_identifier = Some(identifier.to_owned());
    set.multi_value_answer = Some(true);
    set.health_check_id = Some(check.to_owned());
    Ok(set)
}

fn weighted(name: &str, value: &str) -> Result<ResourceRecordSet> {
    let mut set = set(name, RrType::Cname, value)?;
    set.set_identifier = Some("owner".to_owned());
    set.weight = Some(1);
    Ok(set)
}

/// Plays all steps in one zone; what comes out must be equal for both.
async fn play(client: Client) -> Result<Vec<String>> {
    use ChangeAction::{Create, Delete, Upsert};
    let zone = Zone::new(client).await?;
    let config = HealthCheckConfig::builder().r#type(HealthCheckType::Http).ip_address("192.0.2.1").port(80);
    let create =
        zone.client.create_health_check().caller_reference("referee").health_check_config(config.build()?);
    let check = create.send().await?.health_check.context("it was made")?.id;
    let mut told = Vec::new();
    for step in [
        vec![
            (Upsert, multivalue("a", "192.0.2.1", &check)?),
            (Upsert, multivalue("b", "192.0.2.2", &check)?),
        ],
        vec![(Upsert, multivalue("a", "192.0.2.3", &check)?)], // replaces its own set only
        vec![(Create, weighted("*.site.test", "site.test")?)],
        vec![(Create, set("www.site.test", RrType::A, "192.0.2.4")?)],
        vec![(Create, set("www.site.test", RrType::A, "192.0.2.4")?)], // there is one
        vec![(Create, set("www.other.test", RrType::A, "192.0.2.4")?)], // not in the zone
        vec![(Delete, set("www.site.test", RrType::A, "192.0.2.4")?)],
        (0..1_001)
            .map(|n| Ok((Create, set(&format!("n{n}.site.test"), RrType::A, "192.0.2.4")?)))
            .collect::<Result<_>>()?,
    ] {
        told.push(zone.change(&step).await?);
        told.extend(zone.records().await?);
    }
    told.push(outcome(zone.client.delete_hosted_zone().id(&zone.id).send().await)); // it holds records
    told.push(outcome(zone.client.get_hosted_zone().id("Z00000000000000000000").send().await));
    told.extend(pages(&zone).await?);
    told.extend(tags(&zone).await?);
    Ok(told)
}

/// The names that a list of three a page tells, page by page.
async fn pages(zone: &Zone) -> Result<Vec<String>> {
    for number in 0..5 {
        let one = set(&format!("p{number}.site.test"), RrType::A, "192.0.2.9")?;
        zone.change(&[(ChangeAction::Create, one)]).await?;
    }
    let first =
        zone.client.list_resource_record_sets().hosted_zone_id(&zone.id).start_record_name("p0.site.test");
    let first = first.start_record_type(RrType::A).max_items(3).send().await?;
    let next = zone.client.list_resource_record_sets().hosted_zone_id(&zone.id);
    let next =
        next.set_start_record_name(first.next_record_name).set_start_record_type(first.next_record_type);
    let second = next.max_items(3).send().await?;
    let names =
        first.resource_record_sets.iter().chain(&second.resource_record_sets).map(|set| set.name.clone());
    Ok(names.chain([format!("{} {}", first.is_truncated, second.is_truncated)]).collect())
}

async fn tags(zone: &Zone) -> Result<Vec<String>> {
    let tag = Tag::builder().key("owner").value("suite").build();
    let change = zone.client.change_tags_for_resource().resource_type(TagResourceType::Hostedzone);
    change.resource_id(&zone.id).add_tags(tag).send().await?;
    let list = zone.client.list_tags_for_resource().resource_type(TagResourceType::Hostedzone);
    let tags = list.resource_id(&zone.id).send().await?.resource_tag_set.and_then(|set| set.tags);
    Ok(tags.into_iter().flatten().map(|tag| format!("{:?}={:?}", tag.key, tag.value)).collect())
}

#[tokio::test]
async fn our_route_53_and_moto_answer_the_same_where_moto_is_right() -> Result<()> {
    let settings = e2e::amazon::Settings {
        route53: route53_double::settings::Settings::instant(),
        ..Default::default()
    };
    let amazon = Amazon::with(settings).await?;
    let referee = credentials::sdk(&amazon.moto(), amazon.region(), amazon.key());
    let (ours, motos) = (Client::new(&amazon.sdk(amazon.key())), Client::new(&referee));
    let (ours, motos) = tokio::try_join!(play(ours), play(motos))?;
    assert_eq!(ours, motos);
    Ok(())
}
