//! What expressions give: agreement with upstream, the deliberate differences, the messages, the
//! limits.

mod calls;
mod messages;
mod properties;

use fly_autoscaler::evaluate::{
    EvaluateError, Expression, Language, Names, ScopeExpressions, machine_count,
};
use fly_autoscaler::model::{Bounds, Kind, ScopeBounds, Side, Timestamp, Value, VariableTable};

/// 2026-08-21T10:00:00.250Z, a Friday.
const NOW: Timestamp = Timestamp::from_millis(1_787_306_400_250);

fn table(variables: &[(&str, f64)]) -> VariableTable {
    let mut table = VariableTable::default();
    for (name, value) in variables {
        table.set(*name, Value::Number(*value));
    }
    table
}

/// The number of machines that `source` asks for, or the message: of compilation or of evaluation.
fn count(source: &str, variables: &[(&str, f64)]) -> Result<u32, String> {
    let names = Names::new(variables.iter().map(|(name, _)| name));
    let expression = Expression::compile(source, &names).map_err(|error| error.to_string())?;
    let mut table = table(variables);
    for look in expression.looks() {
        let (_, value) = variables.iter().find(|(name, _)| *name == &*look.metric).unwrap();
        table.set(&*look.call, Value::Number(look.of_constant(*value)));
    }
    let count = expression.evaluate(&table, NOW).and_then(machine_count);
    count.map_err(|error| error.to_string())
}

/// One row of the table of public expressions, evaluated by the Go implementation.
struct Row<'t> {
    text: String,
    inputs: Vec<(String, f64)>,
    expected: &'t str,
    oracle: &'t str,
}

fn rows(tsv: &str) -> Vec<Row<'_>> {
    let rows: Vec<_> = tsv
        .lines()
        .skip(1)
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let [_kind, text, inputs, expected, oracle, _source] = columns[..] else {
                panic!("six columns in {line}");
            };
            let inputs: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(inputs).unwrap();
            let inputs = inputs.into_iter().map(|(name, value)| (name, value.as_f64().unwrap()));
            Row { text: text.replace("\\n", "\n"), inputs: inputs.collect(), expected, oracle }
        })
        .collect();
    assert_eq!(rows.len(), 346, "the whole table");
    rows
}

/// What the Go implementation would say, in the words of the table.
fn verdict(row: &Row<'_>) -> String {
    let names = Names::new(row.inputs.iter().map(|(name, _)| name));
    let Ok(expression) = Expression::compile(&row.text, &names) else {
        return "ErrCompile".to_owned();
    };
    let inputs: Vec<_> = row.inputs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    match expression.evaluate(&table(&inputs), NOW).and_then(machine_count) {
        Ok(count) => count.to_string(),
        Err(EvaluateError::Nan) => "ErrExprNaN".to_owned(),
        Err(EvaluateError::Inf) => "ErrExprInf".to_owned(),
        Err(other) => other.to_string(),
    }
}

/// Rows that differ on purpose: a part of the text, the oracle, and why.
const DIFFERENCES: [(&str, &str, &str); 2] = [
    ("if (max([", "v1.16.0", "`if {} else {}` came with Expr 1.17; it is no error here"),
    ("max([float(", "v1.16.0", "`max` of a list came with Expr 1.17; it is no error here"),
];

#[test]
fn public_expressions_give_what_upstream_gives() {
    let mut differed = [0; DIFFERENCES.len()];
    for row in rows(include_str!("../testdata/expressions-public.tsv")) {
        let listed = DIFFERENCES
            .iter()
            .position(|(part, oracle, _)| row.text.contains(part) && row.oracle == *oracle);
        let Row { text, inputs, expected, .. } = &row;
        match listed {
            None => assert_eq!(verdict(&row), *expected, "{text} with {inputs:?}"),
            Some(rule) => {
                assert_ne!(verdict(&row), *expected, "no longer a difference: {text}");
                differed[rule] += 1;
            }
        }
    }
    assert_eq!(differed, [7, 7], "rows that each listed difference covers");
}

/// Upstream's answer is the last column; ours is an error, so that bad data is not taken for a cap.
#[test]
fn bad_data_does_not_become_the_cap() {
    for (source, ours, _upstream) in [
        ("min(50, a / b)", "expression returned NaN", "50"),
        ("min([50, a / b])", "expression returned NaN", "50"),
        ("max(2, a / b)", "expression returned NaN", "2"),
        ("min(50, 1 / b)", "expression returned Inf", "50"),
        ("max(2, -1 / b)", "expression returned Inf", "2"),
        ("int(a / b)", "expression returned NaN", "0"),
        ("min(50, ceil(1 / b))", "expression returned Inf", "50"),
        ("min(50, floor(1 / b))", "expression returned Inf", "50"),
        ("min(50, round(1 / b))", "expression returned Inf", "50"),
        ("min(50, abs(-1 / b))", "expression returned Inf", "50"),
        ("min(50, mean(1, 1 / b))", "expression returned Inf", "50"),
        ("min(50, median([1, a / b, 3]))", "expression returned NaN", "3"),
        ("min(50, sum([1, 1 / b]))", "expression returned Inf", "50"),
        ("min(50, sum([1, 2], {# / b}))", "expression returned Inf", "50"),
        ("if(a > 1, min(50, a / b), min(50, a / b))", "expression returned NaN", "-"),
        ("a / b", "expression returned NaN", "an error too"),
        ("1 / b", "expression returned Inf", "an error too"),
    ] {
        assert_eq!(count(source, &[("a", 0.0), ("b", 0.0)]), Err(ours.into()), "{source}");
    }
}

#[test]
fn a_variable_that_is_no_number_is_an_error_whatever_the_expression_makes_of_it() {
    for (value, message) in
        [(f64::NAN, "expression returned NaN"), (f64::INFINITY, "expression returned Inf")]
    {
        assert_eq!(count("x > 5 ? 10 : 2", &[("x", value)]), Err(message.into()));
        assert_eq!(count("if(x > 5, 10, 2)", &[("x", value)]), Err(message.into()));
    }
}

#[test]
fn results_follow_the_go_implementation() {
    let variables = [("x", 3.0), ("y", 4.0), ("zero", 0.0)];
    for (source, expected) in [
        // Division, powers and signs.
        ("7 / 2", 4),
        ("10 / 4 * 4", 10),
        ("10 + -2 ** 2", 6),
        ("10 + -2 ^ 2", 6),
        ("2 ** 3 ** 2", 512),
        ("2 ** -1 * 8", 4),
        ("--x", 3),
        ("2 - -x", 5),
        ("int(x) % 2", 1),
        ("2.5", 3),
        ("0 - 2.5", 0),
        // `??` binds tighter than all else, and its right side ends at the next operator.
        ("x ?? 8", 3),
        ("nil ?? 8", 8),
        ("nil ?? nil ?? 5", 5),
        ("1 + x ?? 8 + 1", 5),
        ("2 * (nil ?? 3) + 1", 7),
        ("true ?? false ? 1 : 2", 1),
        // Conditions.
        ("x < 2 ? 1 : x < 4 ? 2 : 3", 2),
        ("x > 2 && y > 3 or false ? 1 : 2", 1),
        ("not (x > 2) ? 1 : 2", 2),
        ("if x > 10 {5} else if x > 2 {7} else {6}", 7),
        ("zero > 0 ? 1 / zero : 4", 4),
        // Lists, predicates, pipes and names.
        ("count([x, y, 9], {# > 3})", 2),
        ("count([x, y, 9], # > 3)", 2),
        ("[x, y] | map(# * 2) | sum() + 1", 15),
        ("sum(filter(map([x, y, 9], {# * 2}), {# > 6}))", 26),
        ("sum([1, 2], {sum([3, 4], {# * x})})", 42),
        ("max([x, [y, zero]])", 4),
        ("sum(1..int(y))", 10),
        ("len(1..1000)", 1000),
        ("let a = x * 2; let b = a + 1; a * b", 42),
        ("x in 1..5 ? 1 : 0", 1),
        ("x not in [1, 2] ? 1 : 0", 1),
        ("reduce([1, 2, 3], {#acc + #}, 10)", 16),
        ("{lhr: 3, \"iad\": 2}[\"iad\"]", 2),
        ("// ten\n10 /* not twenty */", 10),
        ("now().Hour()", 10),
        ("now() - date(\"2026-08-21\") > duration(\"9h\") ? 1 : 0", 1),
    ] {
        assert_eq!(count(source, &variables), Ok(expected), "{source}");
    }
}

/// expr-lang 2.1.0 reads words by their beginnings.
#[test]
fn names_may_begin_with_keywords() {
    for name in [
        "not_found",
        "nil_count",
        "true_hits",
        "false_hits",
        "nothing",
        "note",
        "notx",
        "index",
        "inbound",
        "in_flight",
        "and_more",
        "android",
        "order",
        "or_else",
        "if_x",
        "iffy",
        "else_x",
        "let_x",
        "letters",
        "contains_x",
        "matches_x",
        "startsWith_x",
        "endsWith_x",
        "format",
        "b",
        "e1",
        "_",
        "v0",
        "l0",
        "now",
        "max",
        "sum",
        "größe",
    ] {
        let with = |source: &str| count(&source.replace('_', name), &[(name, 6.0)]);
        assert_eq!(with("_"), Ok(6), "{name}");
        assert_eq!(with("1 + _ * 2"), Ok(13), "{name}");
        assert_eq!(with("_ > 5 and _ < 7 ? _ : 0"), Ok(6), "{name}");
        assert_eq!(with("not (_ > 7) ? max(_, 1) : 0"), Ok(6), "{name}");
        assert_eq!(with("_ in [_] or _ not in [1] ? 1 : 0"), Ok(1), "{name}");
        assert_eq!(with("count([_, 1], {# < _})"), Ok(1), "{name}");
        assert_eq!(with("if _ > 5 {_} else {1}"), Ok(6), "{name}");
        if name.is_ascii() && !["now", "max", "sum"].contains(&name) {
            assert_eq!(with("if(_ > 5, _, 1)"), Ok(6), "{name} in evalexpr");
        }
    }
}

#[test]
fn what_is_not_expr_may_be_evalexpr() {
    let names = Names::new(["q"]);
    for (source, language, expected) in [
        ("ceil(q / 10)", Language::Expr, 10),
        ("if(q > 90, 10, 2)", Language::Evalexpr, 10),
        ("math::sqrt(q + 5)", Language::Evalexpr, 10),
        ("if(true, 95 / 10, 0)", Language::Evalexpr, 10),
        ("if(q > 90 && q < 99, min(q, 50) / 100, 2)", Language::Evalexpr, 1),
        ("math::pow(2, 3) + abs(-1)", Language::Evalexpr, 9),
        ("if (q > 90) {1} else {2}", Language::Expr, 1),
    ] {
        let expression = Expression::compile(source, &names).unwrap();
        assert_eq!(expression.language(), language, "{source}");
        let value = expression.evaluate(&table(&[("q", 95.0)]), NOW).unwrap();
        assert_eq!(machine_count(value), Ok(expected), "{source}");
    }
}

#[test]
fn an_expression_knows_what_it_reads() {
    let names = Names::new(["a", "b", "c", "len"]);
    for (source, reads) in [
        ("1", vec![]),
        ("b + a + b", vec!["a", "b"]),
        ("let c2 = a; c2 + 1", vec!["a"]),
        ("count([a], {# > b}) + len(\"c\")", vec!["a", "b"]),
        ("{a: 1}.a + len", vec!["len"]),
        ("true ? a : b // c", vec!["a", "b"]),
        ("if(a > 1, b, 2)", vec!["a", "b"]),
    ] {
        let expression = Expression::compile(source, &names).unwrap();
        let found: Vec<_> = expression.reads().iter().map(AsRef::as_ref).collect();
        assert_eq!(found, reads, "{source}");
    }
}

#[test]
fn a_failed_variable_matters_to_what_reads_it_and_nil_is_a_value() {
    let names = Names::new(["a", "b", "late"]);
    let mut variables = table(&[("a", 5.0)]);
    variables.fail("b", "the query returned no series");
    let run = |source: &str, variables: &VariableTable| {
        let expression = Expression::compile(source, &names).unwrap();
        expression.evaluate(variables, NOW).map_err(|error| (error.reason(), error.to_string()))
    };
    let metric = |text: &str| Err(("metric", text.to_owned()));
    assert_eq!(run("a * 2", &variables), Ok(10.0));
    let why = "metric `b` has no value: the query returned no series";
    assert_eq!(run("a > 0 ? a : b", &variables), metric(why));
    assert_eq!(run("b ?? 8", &variables), metric(why));
    assert_eq!(run("late", &variables), metric("metric `late` has no value: nothing has set it"));

    variables.set("b", Value::Nil);
    assert_eq!(run("b ?? a ?? 8", &variables), Ok(5.0));
    assert_eq!(
        run("b + 1", &variables),
        Err(("failed", "`+` cannot combine these values: they are of the wrong kind".to_owned()))
    );
    let nil = "expression returned nil, not a number".to_owned();
    assert_eq!(run("b", &variables), Err(("not_a_number", nil)));
}

#[test]
fn the_region_is_text() {
    let names = Names::new(["x"]).with_region(["iad", "lhr"]);
    let mut variables = table(&[("x", 2.0)]);
    variables.set("region", Value::Text("lhr".into()));
    for (source, expected) in [
        ("region == \"lhr\" ? x * 2 : x", 4.0),
        ("region startsWith \"l\" ? 1 : 0", 1.0),
        ("region not contains \"x\" ? 1 : 0", 1.0),
        ("region matches \"^(lhr|iad)$\" ? 1 : 0", 1.0),
        ("{lhr: 3, iad: 5}[region] ?? 1", 3.0),
        ("if(region == \"lhr\", 7, 1)", 7.0),
    ] {
        let expression = Expression::compile(source, &names).unwrap();
        assert_eq!(expression.evaluate(&variables, NOW), Ok(expected), "{source}");
    }
}

#[test]
fn a_scope_gives_all_its_bounds_or_every_reason_why_not() {
    let names = Names::new(["q", "bad"]);
    let compile = |source: &str| Some(Expression::compile(source, &names).unwrap());
    let mut variables = table(&[("q", 42.0)]);
    variables.fail("bad", "timed out");

    let both = compile("ceil(q / 10)");
    let expressions = ScopeExpressions {
        created_min: both.clone(),
        created_max: both,
        started_min: compile("1"),
        started_max: None,
    };
    let (bounds, each) = expressions.evaluate(&variables, NOW);
    let said: Vec<_> = each.iter().map(|own| (own.kind, own.side, own.gave)).collect();
    let expected = [(Kind::Created, None, Some(5.0)), (Kind::Started, Some(Side::Min), Some(1.0))];
    assert_eq!(said, expected, "one expression for both ends is evaluated and told once");
    let expected =
        ScopeBounds { created: Bounds::exactly(5), started: Bounds { min: Some(1), max: None } };
    assert_eq!(bounds, Ok(expected));
    assert_eq!(expressions.reads().iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["q"]);

    let expressions = ScopeExpressions {
        created_max: compile("bad"),
        started_max: compile("q / 0"),
        ..expressions
    };
    let failures = expressions.evaluate(&variables, NOW).0.unwrap_err();
    let failures: Vec<_> = failures.iter().map(|(k, s, error)| (*k, *s, error.reason())).collect();
    let expected = [(Kind::Created, Side::Max, "metric"), (Kind::Started, Side::Max, "inf")];
    assert_eq!(failures, expected);
}

/// Each line `expression  => result` of the guide, with the variables that it names.
#[test]
fn the_examples_of_the_guide_are_true() {
    let guide = include_str!("../../docs/expressions.md");
    let variables = [
        ("queue_depth", 42.0),
        ("latency", 0.25),
        ("errors", 0.0),
        ("requests", 0.0),
        ("not_found", 3.0),
    ];
    let in_lhr = [("traffic", 120.0), ("started_machines", 2.0)];
    let mut in_regions = table(&in_lhr);
    in_regions.set("region", Value::Text("lhr".into()));
    let names_in_regions = Names::new(["traffic", "started_machines", "region"]);
    let (app_wide, of_regions) = guide.split_once("## Variables of regions").unwrap();

    let examples_in = |text: &'static str| text.lines().filter_map(|line| line.split_once(" => "));
    let mut examples = 0;
    for (source, result) in examples_in(of_regions) {
        let expression = Expression::compile(source.trim(), &names_in_regions).unwrap();
        let got = expression.evaluate(&in_regions, NOW).and_then(machine_count);
        assert_eq!(got.unwrap().to_string(), result.trim(), "{source}");
        examples += 1;
    }
    assert!(examples >= 6, "only {examples} examples of regions found");
    for (source, result) in examples_in(app_wide) {
        let expected = match result.trim().strip_prefix("error: ") {
            Some(message) => Err(message.to_owned()),
            None => Ok(result.trim().parse().unwrap()),
        };
        assert_eq!(count(source.trim(), &variables), expected, "{source}");
        examples += 1;
    }
    assert!(examples >= 30, "only {examples} examples found");
}
