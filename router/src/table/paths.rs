//! A host's actions by path: a tree of whole segments.
//!
//! In comes the raw path of a request; out goes the action of the deepest node on its way. A hot lookup: the path is
//! decoded segment by segment into a small array, and only if it holds a `%`; nothing is allocated. Empty segments are
//! skipped, dot segments are ordinary ones, and a decoded slash (`%2F`) cuts like a plain one.

use super::Action;

/// The longest segment of a configured path, in bytes.
const MAX_SEGMENT: usize = 255;

/// The actions of one host.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    action: Option<Action>,
    /// In the order of their segments.
    children: Vec<(Box<[u8]>, Node)>,
}

impl Paths {
    /// The action for a raw path, which is everything before the query.
    pub(crate) fn find(&self, path: &[u8]) -> Option<&Action> {
        let mut node = &self.root;
        let mut found = node.action.as_ref();
        let mut segments = Segments::new(path);
        while !node.children.is_empty() {
            let Some(child) = segments.next().and_then(|segment| node.child(segment)) else {
                break;
            };
            found = child.action.as_ref().or(found);
            node = child;
        }
        found
    }

    /// The configured path whose action [`Paths::find`] gives, as `/a/b/`.
    pub(crate) fn matched(&self, path: &[u8]) -> Option<String> {
        let mut node = &self.root;
        let mut walked = "/".to_owned();
        let mut found = node.action.as_ref().map(|_| walked.clone());
        let mut segments = Segments::new(path);
        while let Some((segment, child)) = segments.next().and_then(|segment| node.named_child(segment)) {
            push_segment(&mut walked, segment);
            if child.action.is_some() {
                found = Some(walked.clone());
            }
            node = child;
        }
        found
    }

    /// Every configured path with its action, in the order of the paths.
    pub(crate) fn all(&self) -> Vec<(String, &Action)> {
        let mut all = Vec::new();
        self.root.collect("/", &mut all);
        all
    }

    /// Adds the action for a configured path.
    ///
    /// # Errors
    /// One sentence that says what to correct, and then nothing was added.
    pub(crate) fn insert(&mut self, path: &str, action: Action) -> Result<(), String> {
        check(path)?;
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let node = segments.fold(&mut self.root, |node, segment| node.child_mut(segment.as_bytes()));
        if node.action.is_some() {
            return Err(format!("the path `{path}` is there twice, with and without a slash: keep one"));
        }
        node.action = Some(action);
        Ok(())
    }
}

fn check(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("the path `{path}` must start with a slash: write `/{path}`"));
    }
    if path.bytes().any(|byte| byte < b' ' || matches!(byte, 0x7f | b'?' | b'#')) {
        return Err(format!(
            "the path `{}` holds a `?`, `#` or control character: leave it out",
            path.escape_debug()
        ));
    }
    if path.split('/').any(|segment| segment.len() > MAX_SEGMENT) {
        return Err(format!("a segment of the path `{path}` has more than {MAX_SEGMENT} bytes: shorten it"));
    }
    Ok(())
}

impl Node {
    fn child(&self, segment: &[u8]) -> Option<&Self> {
        let place = self.place(segment).ok()?;
        Some(&self.children[place].1)
    }

    fn named_child(&self, segment: &[u8]) -> Option<(&[u8], &Self)> {
        let (name, child) = &self.children[self.place(segment).ok()?];
        Some((name, child))
    }

    fn collect<'a>(&'a self, path: &str, all: &mut Vec<(String, &'a Action)>) {
        all.extend(self.action.as_ref().map(|action| (path.to_owned(), action)));
        for (segment, child) in &self.children {
            let mut below = path.to_owned();
            push_segment(&mut below, segment);
            child.collect(&below, all);
        }
    }

    fn child_mut(&mut self, segment: &[u8]) -> &mut Self {
        let place = self.place(segment).unwrap_or_else(|place| {
            self.children.insert(place, (segment.into(), Self::default()));
            place
        });
        &mut self.children[place].1
    }

    fn place(&self, segment: &[u8]) -> Result<usize, usize> {
        self.children.binary_search_by(|(name, _)| (**name).cmp(segment))
    }
}

fn push_segment(path: &mut String, segment: &[u8]) {
    path.push_str(&String::from_utf8_lossy(segment));
    path.push('/');
}

/// The decoded segments of a raw path, without the empty ones.
struct Segments<'a> {
    rest: &'a [u8],
    /// A segment that had to be decoded. One byte more than any configured segment: what does not fit equals none.
    decoded: [u8; MAX_SEGMENT + 1],
}

impl<'a> Segments<'a> {
    fn new(path: &'a [u8]) -> Self {
        Self { rest: path, decoded: [0; MAX_SEGMENT + 1] }
    }

    fn next(&mut self) -> Option<&[u8]> {
        while let [b'/', rest @ ..] | [b'%', b'2', b'F' | b'f', rest @ ..] = self.rest {
            self.rest = rest;
        }
        let end = memchr::memchr2(b'/', b'%', self.rest).unwrap_or(self.rest.len());
        if self.rest.get(end) == Some(&b'%') {
            return Some(self.decode());
        }
        let (segment, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!segment.is_empty()).then_some(segment)
    }

    fn decode(&mut self) -> &[u8] {
        let mut len = 0;
        while let Some((byte, rest)) = next_byte(self.rest) {
            if byte == b'/' {
                break;
            }
            self.rest = rest;
            if let Some(place) = self.decoded.get_mut(len) {
                *place = byte;
                len += 1;
            }
        }
        &self.decoded[..len]
    }
}

fn next_byte(path: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'%', high, low, rest @ ..] = path
        && let (Some(high), Some(low)) = (hex(*high), hex(*low))
    {
        return Some((high << 4 | low, rest));
    }
    path.split_first().map(|(byte, rest)| (*byte, rest))
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Paths {
        let mut tree = Paths::default();
        for path in paths {
            tree.insert(path, Action::Refuse((*path).into())).unwrap();
        }
        tree
    }

    fn found<'a>(tree: &'a Paths, path: &str) -> Option<&'a str> {
        tree.find(path.as_bytes()).map(|action| match action {
            Action::Refuse(path) => &**path,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_deepest_path_whose_segments_lead_the_requests_path_decides() {
        let tree = paths(&["/", "/2/", "/2/3/", "/Case/", "/a/b/c/"]);
        let rows = [
            ("/", "/"),
            ("/2", "/2/"),
            ("/2/", "/2/"),
            ("/2x", "/"),
            ("/22/", "/"),
            ("/2;x", "/"),
            ("/2/3", "/2/3/"),
            ("/2/3/4/5", "/2/3/"),
            ("/2//3", "/2/3/"),
            ("/2/x/3", "/2/"),
            ("/2/3;x", "/2/"),
            ("//2/", "/2/"),
            ("/x/../2/", "/"),
            ("/2/../x", "/2/"),
            ("/%32/", "/2/"),
            ("/2%2F3", "/2/3/"),
            ("/2%2f%2F3", "/2/3/"),
            ("%2F2", "/2/"),
            ("/Case", "/Case/"),
            ("/case/", "/"),
            ("/a/b", "/"),
            ("/a/b/c", "/a/b/c/"),
            ("/a/b/cd", "/"),
            ("", "/"),
            ("/%2", "/"),
            ("/2%", "/"),
            ("/2/%33%2f4", "/2/3/"),
        ];
        for (path, served_by) in rows {
            assert_eq!(found(&tree, path), Some(served_by), "{path}");
            assert_eq!(tree.matched(path.as_bytes()).as_deref(), Some(served_by), "{path}");
        }
        let all: Vec<_> = tree.all().into_iter().map(|(path, _)| path).collect();
        assert_eq!(all, ["/", "/2/", "/2/3/", "/Case/", "/a/b/c/"]);
    }

    #[test]
    fn a_host_without_a_root_serves_only_its_paths() {
        let tree = paths(&["/api"]);
        assert_eq!(found(&tree, "/api/x"), Some("/api"));
        assert_eq!(found(&tree, "/"), None);
    }

    #[test]
    fn a_decoded_segment_that_is_too_long_matches_nothing() {
        let longest = format!("/{}", "a".repeat(MAX_SEGMENT));
        let tree = paths(&["/", &longest]);
        let encoded = longest.replacen('a', "%61", 1);
        assert_eq!(found(&tree, &encoded), Some(longest.as_str()));
        assert_eq!(found(&tree, &format!("{encoded}a")), Some("/"));
        assert_eq!(found(&tree, &format!("{encoded}aaa")), Some("/"));
    }

    #[test]
    fn a_bad_path_is_refused_with_what_to_write() {
        let mut tree = paths(&["/2"]);
        let mut add = |path: &str| tree.insert(path, Action::Refuse("".into()));
        assert_eq!(add("api"), Err("the path `api` must start with a slash: write `/api`".into()));
        assert!(add("/a?b").is_err());
        assert!(add("/a\nb").is_err());
        assert!(add(&format!("/{}", "a".repeat(256))).is_err());
        assert!(add("/2/").is_err());
    }
}
