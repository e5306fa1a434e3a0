//! Paths as segments.

use router_config::{Config, Delta};

use crate::endpoint::Endpoint;
use crate::site::{Site, add, config};

/// A host whose paths are each served by an endpoint that answers with the path.
fn site(paths: &[&'static str]) -> (Site, Config, Vec<Endpoint>) {
    let mut config = config(&[]);
    let ends: Vec<_> = paths.iter().map(|path| Endpoint::text(path)).collect();
    for (path, end) in paths.iter().zip(&ends) {
        add(&mut config, "foo.bar", path, &[end.address]);
    }
    (Site::start(&config), config, ends)
}

/// T46: whatever slashes are between, before and after them.
#[test]
fn a_path_is_cut_into_its_segments() {
    let (site, _, _ends) = site(&["/", "/a/", "/a/b/", "/a/b/c/"]);
    let rows = [
        ("http://foo.bar", "/"),
        ("/", "/"),
        ("/a", "/a/"),
        ("/a/b", "/a/b/"),
        ("/a/b/", "/a/b/"),
        ("//a//b", "/a/b/"),
        ("//", "/"),
        ("/a/b/c", "/a/b/c/"),
    ];
    for (target, served_by) in rows {
        assert_eq!(site.get("foo.bar", target).text(), served_by, "{target}");
    }
}

/// T47.
#[test]
fn the_deepest_path_serves_until_it_is_removed() {
    let (site, mut config, _ends) = site(&["/", "/a/", "/a/b/", "/c/", "/a/c/d/c/"]);
    let rows = [
        ("/", "/"),
        ("/xyz", "/"),
        ("/a/", "/a/"),
        ("/a/xyz", "/a/"),
        ("/a/b/", "/a/b/"),
        ("/a/c/d", "/a/"),
        ("/a/b/xyz", "/a/b/"),
        ("/c/", "/c/"),
    ];
    for (target, served_by) in rows {
        assert_eq!(site.get("foo.bar", target).text(), served_by, "{target}");
    }
    config.hosts.get_mut("foo.bar").unwrap().paths.remove("/c/");
    site.handle.replace(&config);
    assert_eq!(site.get("foo.bar", "/c/").text(), "/");
}

/// T11: whether a path or the root of its host comes first does not matter.
#[test]
fn a_path_may_be_there_before_its_root() {
    let (site, mut config, _ends) = site(&["/2/"]);
    assert_eq!(site.get("foo.bar", "/").status, 404);
    assert_eq!(site.get("foo.bar", "/2/").text(), "/2/");
    let one = Endpoint::text("/");
    add(&mut config, "foo.bar", "/", &[one.address]);
    let mut delta = Delta::default();
    delta.hosts.insert("foo.bar".into(), config.hosts.get("foo.bar").cloned());
    delta.services.insert("foo.bar/".into(), config.services.get("foo.bar/").cloned());
    assert_eq!(site.handle.apply(delta).faults, []);
    for (path, served_by) in [("/", "/"), ("/2/", "/2/"), ("/3", "/")] {
        assert_eq!(site.get("foo.bar", path).text(), served_by);
    }
}
