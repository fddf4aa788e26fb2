//! Which regions are scaled, and why not the others.

use super::*;

#[test]
fn which_regions_are_scaled_and_why_not_the_others() {
    let set = |text: &str| regions(text).into_iter().collect();
    let current = || {
        let site = |deprecated| Site {
            name: "here".into(),
            latitude: 0.0,
            longitude: 0.0,
            is_deprecated: deprecated,
        };
        let all = ["lhr", "iad", "fra", "new"].map(|code| (Region::new(code), site(false)));
        let old = (Region::new("old"), site(true));
        Catalog::current(all.into_iter().chain([old]).collect())
    };
    let builtin = Catalog::builtin();
    let auto = || Policy { regions: RegionList::Auto, ..Policy::default() };
    // policy, busy, inhabited, catalog -> scaled | skipped
    let table = [
        (listed("lhr iad"), "", "", builtin.as_ref().clone(), "lhr iad", ""),
        (
            listed("iad lhr"),
            "fra xyz",
            "syd",
            current(),
            "iad lhr",
            "fra region_not_listed, syd region_not_offered, xyz region_unknown",
        ),
        // Where there are machines there is a region, whatever a list says.
        (listed("old gone lhr"), "", "old gone", current(), "old gone lhr", ""),
        // What has no label is no region, whatever Fly may have by now.
        (listed("lhr"), "(none)", "", builtin.as_ref().clone(), "lhr", "(none) region_unknown"),
        // Fly may have a region by now that the list in the program lacks.
        (listed("new lhr"), "", "", builtin.as_ref().clone(), "new lhr", ""),
        (
            listed("old gone lhr"),
            "",
            "",
            current(),
            "lhr",
            "gone region_unknown, old region_not_offered",
        ),
        (
            Policy { excluded_regions: regions("fra"), ..listed("lhr") },
            "fra",
            "",
            current(),
            "lhr",
            "fra region_excluded",
        ),
        (auto(), "lhr fra xyz", "iad", current(), "fra iad lhr", "xyz region_unknown"),
        (
            Policy { excluded_regions: regions("fra"), ..auto() },
            "lhr fra",
            "iad",
            current(),
            "iad lhr",
            "fra region_excluded",
        ),
        (Policy { always_running: regions("iad"), ..auto() }, "lhr", "", current(), "iad lhr", ""),
        (
            auto(),
            "lhr q1 q2 q3 q4 q5 q6 q7 q8",
            "",
            current(),
            "lhr",
            "q1 region_unknown, q2 region_unknown, q3 region_unknown, q4 region_unknown, q5 region_unknown",
        ),
    ];
    for (policy, busy, inhabited, catalog, scaled, skipped) in table {
        let got = scaled_regions(&policy, &set(busy), &set(inhabited), &catalog);
        assert_eq!(got.regions, regions(scaled), "{policy:?} {busy} | {inhabited}");
        let why = got.skipped.iter().map(|(region, reason)| format!("{region} {}", reason.code()));
        assert_eq!(why.collect::<Vec<_>>().join(", "), skipped, "{policy:?} {busy} | {inhabited}");
    }
}

#[test]
fn traffic_that_counts_elsewhere_says_where() {
    use fly_autoscaler::decide::Unlisted;
    let policy = Policy { unlisted: Unlisted::Nearest, ..listed("lhr iad") };
    let busy = regions("fra").into_iter().collect();
    let got =
        scaled_regions(&policy, &busy, &std::collections::BTreeSet::new(), Catalog::builtin());
    assert_eq!(got.skipped[0].1.to_string(), "unlisted; counts to lhr, the nearest");
}
