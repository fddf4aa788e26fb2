//! What is published: read from the files that publish it.

use std::collections::BTreeSet;

use regex::Regex;

const WORKFLOW: &str = include_str!("../../../../.github/workflows/images.yml");
const DOCKERFILE: &str = include_str!("../../../../Dockerfile");

fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// Upstream moved `0.3` from 0.3.1 to 0.3.2, which looks at the process group `app` alone. Whoever had
/// pinned `0.3` was no longer scaled after a restart.
#[test]
fn bug_05_no_tag_of_the_image_moves_to_another_version() {
    let tags = all(r"(?m)^ +(type=[a-z].*)$", WORKFLOW);
    let tags: BTreeSet<&str> =
        tags.iter().map(String::as_str).filter(|tag| !tag.contains("name=")).collect();
    // `edge` is main, and says so.
    let expected = ["type=edge,branch=main", "type=semver,pattern={{version}}"];
    assert_eq!(tags, BTreeSet::from(expected));
    // Without this line the action adds `latest`, and moves it with each version.
    assert!(WORKFLOW.contains("\n          flavor: latest=false\n"));
}

#[test]
fn bug_12_the_image_is_for_amd64_and_arm64() {
    let built = all(r"(?m)^ +- \{ arch: (\w+), runner: [\w.-]+ \}$", WORKFLOW);
    assert_eq!(built, BTreeSet::from(["amd64", "arm64"].map(str::to_owned)));
    // Each is built, and both are joined under one name.
    assert_eq!(WORKFLOW.matches("platforms: linux/${{ matrix.arch }}").count(), 2);
    assert!(WORKFLOW.contains("docker buildx imagetools create"));
    // Nothing in the image is of one platform: the target is that of the machine that builds it.
    assert!(!DOCKERFILE.contains("--platform") && !DOCKERFILE.contains("--target"));
    assert!(!DOCKERFILE.contains("x86_64") && !DOCKERFILE.contains("amd64"));
}

#[test]
fn the_image_has_neither_root_nor_a_shell() {
    let last = DOCKERFILE.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("gcr.io/distroless/static-debian12:nonroot\n"), "{last}");
    assert!(last.contains("\nUSER 65532:65532\n"), "{last}");
    // As a list: as a text it would need a shell, and take no arguments.
    assert!(last.contains("\nENTRYPOINT [\"fly-autoscaler\"]\nCMD [\"serve\"]\n"), "{last}");
}
