//! One test for each rule of the Routes that an App gets by itself.

use kube::ResourceExt as _;
use proptest::prelude::*;

use super::*;

/// `www` under `old.com`, of which `new.com` has become the default since.
fn moved(before: impl FnOnce(&mut Namespace)) -> Namespace {
    let mut shop = www();
    shop.cluster = Some(cluster(&["old.com"]));
    before(&mut shop);
    let mut shop = shop.settled();
    shop.cluster = Some(cluster(&["new.com", "old.com"]));
    shop
}

fn address(route: &Route) -> (&str, &str) {
    let http = route.spec.http.as_ref().unwrap();
    (&http.host, &http.path)
}

#[test]
fn an_app_is_served_under_the_default_domain() {
    let mut shop = www();
    let plan = shop.plan();
    assert_eq!(plan.host.as_deref(), Some("www.site.com"));
    assert_eq!(plan.default_routes, [key("www.site.com")]);
    shop.settle();
    let route = shop.route("www.site.com");
    assert_eq!(route.labels()["flynn.io/domain"], "site.com");
    assert_eq!(route.spec.app.as_deref(), Some("www"));
    assert_eq!(address(route), ("www.site.com", "/"));
}

#[test]
fn options_that_a_person_set_on_a_default_route_stay() {
    let mut shop = www().settled();
    shop.http("www.site.com").certificate = Some("own".into());
    assert!(shop.plan().changes.is_empty());

    shop.http("www.site.com").path = "/elsewhere/".into();
    shop.settle();
    let route = shop.route("www.site.com");
    assert_eq!(address(route), ("www.site.com", "/"));
    assert_eq!(route.spec.http.as_ref().unwrap().certificate.as_deref(), Some("own"));
}

#[test]
fn a_route_of_another_that_has_the_name_is_left_alone() {
    let mut shop = www();
    shop.put_route(route("www.site.com", "other", "other.com", "/"));
    let plan = shop.plan();
    assert_eq!(names(&plan.changes.taken), ["Route www.site.com"]);
    assert_eq!((plan.default_routes, plan.host), (Vec::new(), None));
}

#[test]
fn an_app_that_wants_no_routes_loses_those_it_was_given() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.app.spec.routes = DefaultRoutes::None;
    let changes = shop.settle();
    assert_eq!(names(&changes.delete), ["Route api.www.new.com", "Route www.new.com", "Route www.old.com"]);
    assert_eq!(shop.route_names(), ["api"]);
    assert_eq!(shop.plan().host, None);
}

#[test]
fn an_app_without_a_web_process_gets_no_route() {
    let mut shop = www();
    let web = shop.app.spec.processes.remove("web").unwrap();
    shop.app.spec.processes.insert("worker".into(), web);
    shop.settle();
    assert_eq!(shop.route_names(), Vec::<&str>::new());
    assert_eq!(shop.plan().accepted, Ok(()));
}

#[test]
fn when_the_default_domain_moves_an_app_gets_a_route_there_and_keeps_the_old_one() {
    let mut shop = moved(|_| {});
    shop.settle();
    assert_eq!(shop.route_names(), ["www.new.com", "www.old.com"]);
    let plan = shop.plan();
    assert_eq!(plan.host.as_deref(), Some("www.new.com"));
    assert_eq!(plan.default_routes, [key("www.new.com"), key("www.old.com")]);
}

#[test]
fn when_a_domain_is_removed_its_generated_routes_go_and_a_persons_stay() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.cluster = Some(cluster(&["new.com"]));
    assert_eq!(names(&shop.settle().delete), ["Route www.old.com"]);
    assert_eq!(shop.route_names(), ["api", "api.www.new.com", "www.new.com"]);
}

#[test]
fn while_there_is_no_cluster_no_route_is_deleted() {
    let mut shop = www().settled();
    shop.cluster = None;
    assert!(shop.plan().changes.is_empty());
}

#[test]
fn a_certificate_of_its_own_moves_with_a_route_and_the_old_domains_does_not() {
    let mut shop = www();
    shop.cluster = Some(cluster(&["old.com"]));
    let shop = shop.settled();
    for (certificate, kept) in [(Some("own"), Some("own")), (Some("old.com-tls"), None), (None, None)] {
        let mut shop = shop.clone();
        shop.http("www.old.com").certificate = certificate.map(Into::into);
        shop.cluster = Some(cluster(&["new.com", "old.com"]));
        shop.settle();
        assert_eq!(shop.http("www.new.com").certificate.as_deref(), kept);
        assert_eq!(shop.http("www.old.com").certificate.as_deref(), certificate);
    }
}

#[test]
fn a_certificate_of_another_namespace_that_is_called_like_the_domains_is_the_routes_own() {
    let mut shop = moved(|_| {});
    shop.http("www.old.com").certificate = Some("old.com-tls".into());
    for domain in &mut shop.cluster.as_mut().unwrap().domains {
        domain.certificate.as_mut().unwrap().namespace = "elsewhere".into();
    }
    shop.settle();
    assert_eq!(shop.http("www.new.com").certificate.as_deref(), Some("old.com-tls"));
}

#[test]
fn the_other_routes_of_an_app_move_with_it_path_and_options_included() {
    let mut shop = moved(|shop| {
        let mut api = route("api", "www", "www.old.com", "/api/");
        api.spec.http.as_mut().unwrap().certificate = Some("own".into());
        shop.put_route(api);
        shop.put_route(route("apex", "www", "old.com", "/"));
        shop.put_route(route("any", "www", "*.old.com", "/"));
    });
    shop.settle();
    assert_eq!(address(shop.route("apex.www.new.com")), ("new.com", "/"));
    assert_eq!(address(shop.route("any.www.new.com")), ("*.new.com", "/"));
    let api = shop.route("api.www.new.com");
    assert_eq!(address(api), ("www.new.com", "/api/"));
    assert_eq!(api.spec.http.as_ref().unwrap().certificate.as_deref(), Some("own"));
    assert_eq!(api.labels()["flynn.io/domain"], "new.com");
    assert_eq!(address(shop.route("api")), ("www.old.com", "/api/"));
}

#[test]
fn routes_of_other_apps_and_of_other_domains_do_not_move() {
    let mut shop = moved(|shop| {
        shop.put_route(route("other", "other", "other.old.com", "/"));
        shop.put_route(route("foreign", "www", "www.elsewhere.com", "/"));
        shop.put_route(route("alike", "www", "www.veryold.com", "/"));
    });
    assert_eq!(written(&shop.settle().create), ["Route www.new.com"]);
}

#[test]
fn every_path_on_its_default_host_moves_with_an_app_whatever_answers_there() {
    let mut shop = moved(|shop| {
        shop.put_route(route("api", "api", "www.old.com", "/api"));
        let mut search = route("search", "", "www.old.com", "/search");
        search.spec.app = None;
        search.spec.service = Some(crds::ServiceReference { name: "search".into(), port: Some(9200) });
        shop.put_route(search);
    });
    shop.settle();
    let api = shop.route("api.www.new.com");
    assert_eq!((address(api), api.spec.app.as_deref()), (("www.new.com", "/api"), Some("api")));
    let search = shop.route("search.www.new.com");
    assert_eq!(address(search), ("www.new.com", "/search"));
    assert_eq!((&search.spec.app, search.spec.service.as_ref().unwrap().port), (&None, Some(9200)));
}

#[test]
fn a_path_on_another_apps_default_host_is_for_that_app_to_move() {
    let mut shop = moved(|shop| {
        let mut theirs = route("blog.old.com", "blog", "blog.old.com", "/");
        theirs.metadata.labels = Some([("flynn.io/domain".to_owned(), "old.com".to_owned())].into());
        shop.put_route(theirs);
        shop.put_route(route("path", "www", "blog.old.com", "/www"));
    });
    shop.settle();
    assert_eq!(shop.route_names(), ["blog.old.com", "path", "www.new.com", "www.old.com"]);
}

#[test]
fn routes_under_a_domain_that_was_never_the_default_do_not_move() {
    let mut shop = www();
    shop.cluster = Some(cluster(&["site.com", "extra.com"]));
    shop.put_route(route("shop", "www", "shop.extra.com", "/"));
    shop.settle();
    assert_eq!(shop.route_names(), ["shop", "www.site.com"]);
}

#[test]
fn a_default_route_that_a_person_made_proves_nothing() {
    let mut shop = www();
    shop.cluster = Some(cluster(&["site.com", "extra.com"]));
    let mut theirs = route("www.extra.com", "www", "www.extra.com", "/");
    theirs.labels_mut().insert("flynn.io/domain".into(), "extra.com".into());
    shop.put_route(theirs);
    shop.put_route(route("shop", "www", "shop.extra.com", "/"));
    shop.settle();
    assert_eq!(shop.route_names(), ["shop", "www.extra.com", "www.site.com"]);
    assert_eq!(shop.plan().default_routes, [key("www.site.com")]);
}

#[test]
fn a_mirror_that_is_called_like_a_default_route_proves_nothing() {
    let mut shop = moved(|shop| shop.put_route(route("www", "www", "api.old.com", "/"))).settled();
    shop.put_route(route("deep", "www", "deep.www.new.com", "/"));
    shop.cluster = Some(cluster(&["new.com", "www.new.com"]));
    shop.settle();
    assert_eq!(shop.route_names(), ["deep", "www", "www.new.com", "www.www.new.com"]);
    assert_eq!(shop.plan().default_routes, [key("www.new.com")]);
}

#[test]
fn a_host_and_path_that_the_app_has_already_under_the_new_domain_is_not_mirrored() {
    let mut shop = moved(|shop| {
        shop.put_route(route("api", "www", "api.old.com", "/v1/"));
        shop.put_route(route("mine", "www", "api.new.com", "/v1"));
    });
    assert_eq!(written(&shop.settle().create), ["Route www.new.com"]);
}

#[test]
fn moving_back_makes_nothing_new() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.cluster = Some(cluster(&["old.com", "new.com"]));
    assert!(shop.plan().changes.is_empty());
    assert_eq!(shop.plan().host.as_deref(), Some("www.old.com"));
}

#[test]
fn a_mirror_moves_on_after_the_route_that_it_mirrors_is_gone() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.routes.remove(&key("api"));
    shop.cluster = Some(cluster(&["newest.com", "new.com"]));
    let changes = shop.settle();
    assert_eq!(written(&changes.create), ["Route api.www.newest.com", "Route www.newest.com"]);
    assert_eq!(names(&changes.delete), ["Route www.old.com"]);
    assert_eq!(address(shop.route("api.www.newest.com")), ("api.newest.com", "/"));
}

#[test]
fn of_two_earlier_domains_the_later_one_says_how_a_route_is() {
    let mut shop = moved(|_| {}).settled();
    shop.http("www.old.com").certificate = Some("older".into());
    shop.http("www.new.com").certificate = Some("newer".into());
    shop.cluster = Some(cluster(&["newest.com", "old.com", "new.com"]));
    shop.settle();
    assert_eq!(shop.http("www.newest.com").certificate.as_deref(), Some("newer"));
}

#[test]
fn a_new_domain_below_the_old_one_does_not_mirror_itself() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/")));
    shop.cluster = Some(cluster(&["new.old.com", "old.com"]));
    shop.settle();
    assert_eq!(shop.route_names(), ["api", "api.www.new.old.com", "www.new.old.com", "www.old.com"]);
    assert_eq!(address(shop.route("api.www.new.old.com")), ("api.new.old.com", "/"));
}

#[test]
fn a_mirror_follows_the_route_that_it_mirrors() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.http("api").path = "/v2/".into();
    assert_eq!(written(&shop.settle().update), ["Route api.www.new.com"]);
    assert_eq!(address(shop.route("api.www.new.com")), ("api.new.com", "/v2/"));
}

#[test]
fn a_mirror_whose_name_another_route_has_is_told_and_not_taken_over() {
    let shop = moved(|shop| {
        shop.put_route(route("api", "www", "api.old.com", "/"));
        shop.put_route(route("api.www.new.com", "www", "else.org", "/"));
    });
    let plan = shop.plan();
    assert_eq!(names(&plan.changes.taken), ["Route api.www.new.com"]);
    assert_eq!(written(&plan.changes.create), ["Route www.new.com"]);
}

#[test]
fn a_domain_that_is_too_long_for_a_label_is_recognised_all_the_same() {
    let long = format!("{}.{}.com", "a".repeat(40), "b".repeat(40));
    let mut shop = www();
    shop.cluster = Some(cluster(&[&long]));
    let mut shop = shop.settled();
    let route = shop.route(&format!("www.{long}"));
    assert!(route.labels()["flynn.io/domain"].len() <= 63);
    shop.cluster = Some(cluster(&["site.com"]));
    assert_eq!(names(&shop.settle().delete), [format!("Route www.{long}")]);
}

#[test]
fn options_that_a_person_set_on_a_mirror_stay() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.http("api.www.new.com").certificate = Some("own".into());
    assert!(shop.plan().changes.is_empty());
    shop.http("api").path = "/v2/".into();
    shop.settle();
    assert_eq!(shop.http("api.www.new.com").certificate.as_deref(), Some("own"));
}

#[test]
fn of_a_route_and_its_mirror_the_route_decides_what_the_next_mirror_is() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/"))).settled();
    shop.http("api").host = "v2.old.com".into();
    shop.cluster = Some(cluster(&["newest.com", "new.com", "old.com"]));
    shop.settle();
    assert_eq!(address(shop.route("api.www.newest.com")), ("v2.newest.com", "/"));
}

#[test]
fn a_generated_route_that_goes_is_not_mirrored() {
    let mut shop = moved(|shop| shop.put_route(route("api", "www", "api.old.com", "/")));
    shop.cluster = Some(cluster(&["new.old.com", "old.com"]));
    shop.settle();
    shop.cluster = Some(cluster(&["newest.com", "old.com"]));
    shop.settle();
    assert_eq!(shop.route_names(), ["api", "api.www.newest.com", "www.newest.com", "www.old.com"]);
}

/// What people do to a namespace and its Cluster.
#[derive(Debug, Clone)]
enum Edit {
    Domains(Vec<&'static str>),
    Put(Box<Route>),
    Delete(prop::sample::Index),
    Wanted(DefaultRoutes),
}

const DOMAINS: [&str; 4] = ["old.com", "new.com", "new.old.com", "newest.com"];

fn any_edit() -> impl Strategy<Value = Edit> {
    let domains = Just(DOMAINS.to_vec()).prop_shuffle();
    let domains = (domains, 1..=DOMAINS.len()).prop_map(|(domains, count)| domains[..count].to_vec());
    let name = prop::sample::select(vec!["api", "apex", "www.new.com", "api.www.new.com"]);
    let prefix = prop::sample::select(vec!["", "api.", "*.", "www."]);
    let address = (prefix, prop::sample::select(DOMAINS.to_vec()), prop::sample::select(vec!["/", "/v1/"]));
    let routes = (name, address)
        .prop_map(|(name, (prefix, domain, path))| route(name, "www", &format!("{prefix}{domain}"), path));
    prop_oneof![
        2 => domains.prop_map(Edit::Domains),
        3 => routes.prop_map(|route| Edit::Put(Box::new(route))),
        1 => any::<prop::sample::Index>().prop_map(Edit::Delete),
        1 => prop::sample::select(vec![DefaultRoutes::Default, DefaultRoutes::None]).prop_map(Edit::Wanted),
    ]
}

fn edit(shop: &mut Namespace, edit: Edit) {
    match edit {
        Edit::Domains(domains) => shop.cluster = Some(cluster(&domains)),
        Edit::Put(route) => shop.put_route(*route),
        Edit::Wanted(routes) => shop.app.spec.routes = routes,
        Edit::Delete(index) => {
            let keys: Vec<_> = shop.routes.keys().cloned().collect();
            if !keys.is_empty() {
                shop.routes.remove(index.get(&keys));
            }
        }
    }
}

fn made_by_people(shop: &Namespace) -> Vec<Route> {
    shop.routes.values().filter(|route| route.owner_references().is_empty()).cloned().collect()
}

proptest! {
    #[test]
    fn any_edit_settles_at_once_and_leaves_what_people_made(edits in prop::collection::vec(any_edit(), 1..12)) {
        let mut shop = www();
        for change in edits {
            edit(&mut shop, change);
            let theirs = made_by_people(&shop);
            shop.settle();
            prop_assert_eq!(made_by_people(&shop), theirs);
        }
    }
}
