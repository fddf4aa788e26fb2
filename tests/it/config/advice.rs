//! Warnings of numbers that can hardly be what was meant.

use super::{warnings, with_yaml};

/// What is said of these lines, beside an app and metrics `q`, `a`, `b` and, by region, `traffic`.
fn advice(lines: &str) -> Vec<String> {
    let collector = |name: &str, more: &str| {
        format!(
            "- {{type: prometheus, metric-name: {name}, query: {name}, address: 'http://localhost'{more}}}\n"
        )
    };
    let metrics = [("q", ""), ("a", ""), ("b", ""), ("traffic", ", by: region")];
    let is_read = |name: &str| lines.contains(name);
    let read = metrics.iter().filter(|(name, _)| is_read(name));
    let collectors: String = read.map(|(name, more)| collector(name, more)).collect();
    let yaml = format!("app-name: web\n{lines}\nmetric-collectors:\n{collectors}");
    let loaded = with_yaml(&yaml, &[]).unwrap_or_else(|errors| panic!("{lines}: {errors}"));
    let first = |text: String| text.lines().next().unwrap().replace("warning: ", "");
    warnings(&loaded).into_iter().map(first).collect()
}

#[test]
fn numbers_that_leave_nothing_to_go_to_are_warned_of() {
    let band = |min: &str, max: &str| {
        format!("min-started-machine-count: '{min}'\nmax-started-machine-count: '{max}'")
    };
    let above = |when: &str, min: u32, max: u32| {
        vec![format!(
            "min-started-machine-count is above max-started-machine-count {when}: {min} and {max}"
        )]
    };
    for (lines, said) in [
        (band("q / 10", "q / 10 + 2"), vec![]),
        (band("1", "max(1, ceil(q / 10))"), vec![]),
        (band("1", "ceil(q / 10)"), above("when q is 0", 1, 0)),
        (band("ceil(q / 10)", "20"), above("when q is 250", 25, 20)),
        (band("a + b", "20"), above("when every metric is 25", 50, 20)),
        (band("5", "3"), above("always", 5, 3)),
        // Not a number at some of the values: it is held there, which is another matter.
        (band("ceil(a / b)", "max(1, ceil(a / b))"), vec![]),
    ] {
        assert_eq!(advice(&lines), said, "{lines}");
    }
}

#[test]
fn numbers_that_never_change_are_warned_of() {
    let started = |expression: &str| format!("started-machine-count: '{expression}'");
    let always = |count: u32| {
        vec![format!("`started-machine-count` gives {count} whatever its metrics are")]
    };
    for (lines, said) in [
        (started("ceil(q / 10)"), vec![]),
        (started("3"), vec![]),
        (started("min(1, max(1, q))"), always(1)),
        (started("q * 0 + 4"), always(4)),
        (started("a / b"), vec![]),
        (started("a > 100000 ? 4 : 2"), vec![]),
        (started("q > 0.8 ? 4 : 2"), vec![]),
        (started("now().Hour() > 8 ? ceil(q) : 2"), vec![]),
        (
            "regions: [iad, lhr]\nper-region:\n  lhr: {started-machine-count: 'min(2, traffic + 2)'}"
                .to_owned(),
            always(2),
        ),
    ] {
        assert_eq!(advice(&lines), said, "{lines}");
    }
}

#[test]
fn a_query_that_looks_back_further_than_flys_prometheus_remembers_is_warned_of() {
    let said = |host: &str, query: &str| {
        let yaml = format!(
            "app-name: web\nstarted-machine-count: ceil(q)\nmetric-collectors:\n- {{type: prometheus, metric-name: q, query: '{query}', address: 'https://{host}/prometheus/acme'}}\n"
        );
        let loaded = with_yaml(&yaml, &[]).unwrap_or_else(|errors| panic!("{query}: {errors}"));
        warnings(&loaded).join("\n")
    };
    for (query, window) in [
        ("rate(a[5m])", None),
        ("max_over_time(a[15d])", None),
        ("max_over_time(a[30d])", Some("30d")),
        ("max_over_time(rate(a[5m])[3w:1h])", Some("3w")),
        ("a[", None),
        ("a[99999999999999999999y]", None),
    ] {
        let text = said("api.fly.io", query);
        match window {
            None => assert_eq!(text, "", "{query}"),
            Some(window) => assert!(text.contains(&format!("looks back {window}, ")), "{text}"),
        }
        assert_eq!(said("prometheus.example.com", query), "", "{query}");
    }
}
