//! `GET /` and its neighbours, and which name a path means.

use crate::bed::Bed;

#[tokio::test]
async fn the_root_lists_names_one_level_deep_and_in_order() {
    let bed = Bed::new().await;
    assert_eq!(bed.get("/").await.text(), "[]");
    for name in ["/b", "/a/x", "/a/y/z", "/a-b", "/a"] {
        bed.put(name, name).await;
    }
    let answer = bed.get("/").await;
    assert_eq!((answer.status, answer.text()), (200, r#"["/a","/a-b","/a/","/b"]"#));
    assert_eq!(answer.header("content-type"), "application/json");
    // Also without the slash after the key.
    assert_eq!(bed.get("").await.body, answer.body);
    for directory in ["/a", "/a/", "a", "%2Fa", "//a//"] {
        assert_eq!(bed.get(&format!("/?dir={directory}")).await.text(), r#"["/a/x","/a/y/"]"#, "{directory}");
    }
    assert_eq!(bed.get("/?x=1&dir=/a/y&dir=/").await.text(), r#"["/a/y/z"]"#);
    assert_eq!(bed.get("?dir=/nothing").await.text(), "[]");
}

#[tokio::test]
async fn a_directory_is_compared_byte_for_byte() {
    let bed = Bed::new().await;
    for name in ["/a.b/1", "/axb/2", "/a%25/3", "/a_/4", "/a%20b/5"] {
        bed.put(name, "").await;
    }
    for (directory, names) in [
        ("/a.b", r#"["/a.b/1"]"#),
        ("/a%25", r#"["/a%/3"]"#),
        ("/a_", r#"["/a_/4"]"#),
        ("/a+b", r#"["/a b/5"]"#),
        ("/a", "[]"),
        ("/.*", "[]"),
    ] {
        assert_eq!(bed.get(&format!("/?dir={directory}")).await.text(), names, "{directory}");
    }
}

#[tokio::test]
async fn the_root_can_be_asked_for_its_head_and_nothing_else() {
    let bed = Bed::new().await;
    let head = bed.ask("HEAD", "/", &[], b"").await;
    assert_eq!((head.status, head.text()), (200, ""));
    for method in ["PUT", "POST", "DELETE", "PATCH", "COPY"] {
        let answer = bed.ask(method, "/", &[], b"body").await;
        assert_eq!((answer.status, answer.text()), (404, ""), "{method}");
    }
    assert_eq!(bed.objects.count(), 0);
}

#[tokio::test]
async fn a_path_is_cleaned_to_a_name() {
    let bed = Bed::new().await;
    bed.put("/a/b", "b").await;
    for path in ["//a//b", "/a/./b/", "/a/c/../b", "/../../a/b", "/a%2Fb", "/%2e%2e/a/b", "/a/b?query"] {
        assert_eq!(bed.get(path).await.text(), "b", "{path}");
    }
}

#[tokio::test]
async fn no_name_leaves_the_folder() {
    let bed = Bed::new().await;
    let outside = bed.folder.path().join("lock");
    let before = std::fs::metadata(&outside).unwrap().modified().unwrap();
    for name in ["/../lock", "/..%2f..%2flock", "/%2e%2e/%2e%2e/lock", "/a/../../lock", "/\\..\\lock", "/..."]
    {
        bed.put(name, "text").await;
        assert_eq!(bed.get(name).await.text(), "text", "{name}");
    }
    let unlike =
        |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut files: Vec<_> = std::fs::read_dir(bed.folder.path()).unwrap().map(unlike).collect();
    files.sort();
    assert_eq!(files, ["contents", "lock", "records"]);
    assert_eq!(std::fs::metadata(&outside).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn a_name_may_have_any_bytes_and_any_length() {
    let bed = Bed::new().await;
    let long = format!("/{}", "x".repeat(10_000));
    for name in ["/%00", "/%ff%fe", "/%0a", "/gr%C3%BC%C3%9Fe", "/a%3Fb%23c", "/%25", long.as_str()] {
        bed.put(name, name).await;
        assert_eq!(bed.get(name).await.text(), name);
        assert_eq!(bed.ask("DELETE", name, &[], b"").await.status, 200);
        assert_eq!(bed.get(name).await.status, 404, "{name}");
    }
    bed.put("/%ff", "").await;
    assert_eq!(bed.get("/").await.text(), "[\"/\u{fffd}\"]");
}
