//! What people read when an expression is wrong.

use fly_autoscaler::evaluate::{Expression, Names};

fn rendered(source: &str) -> String {
    let names = Names::new(["queue_depth", "latency"]);
    Expression::compile(source, &names).map_or_else(|error| error.render(), |_| "fine".to_owned())
}

#[test]
fn mistakes_are_shown_at_their_place() {
    for (source, message) in [
        (
            "ceil(quue_depth / 10)",
            "unknown variable `quue_depth`\n  ceil(quue_depth / 10)\n       ^^^^^^^^^^\n  did you mean `queue_depth`?",
        ),
        (
            "connections / 10",
            "unknown variable `connections`\n  connections / 10\n  ^^^^^^^^^^^\n  known are: latency, queue_depth",
        ),
        (
            "1 + ciel(queue_depth)",
            "unknown function `ciel`\n  1 + ciel(queue_depth)\n      ^^^^\n  did you mean `ceil`?",
        ),
        (
            "predict(queue_depth)",
            "unknown function `predict`\n  predict(queue_depth)\n  ^^^^^^^\n  the functions are listed in docs/expressions.md",
        ),
        (
            "max(1, ceil(queue_depth / 10)",
            "this `(` is never closed\n  max(1, ceil(queue_depth / 10)\n     ^\n  add `)` at the end, or where it belongs",
        ),
        (
            "queue_depth / 10)",
            "there is nothing that this `)` could close\n  queue_depth / 10)\n                  ^",
        ),
        (
            "",
            "the expression is empty\n  write a number of machines, such as ceil(queue_depth / 10)",
        ),
        (
            " \n ",
            "the expression is empty\n  write a number of machines, such as ceil(queue_depth / 10)",
        ),
        ("queue_depth +", "a value is missing after `+`\n  queue_depth +\n               ^"),
        ("queue_depth + * 2", "`*` cannot stand here\n  queue_depth + * 2\n                ^"),
        (
            "min(10, )  + max(, 1)",
            "a value is missing between `(` and `,`\n  min(10, )  + max(, 1)\n                   ^",
        ),
        (
            "queue-depth depth",
            "an operator is missing before `depth`\n  queue-depth depth\n              ^^^^^",
        ),
        (
            "queue_depth = 3",
            "an expression cannot assign\n  queue_depth = 3\n              ^\n  compare with `==`",
        ),
        ("queue_depth; 3", "`;` cannot stand here\n  queue_depth; 3\n             ^"),
        (
            "queue_depth > 1 ? 2",
            "`:` and the other value are missing after `?`\n  queue_depth > 1 ? 2\n                     ^",
        ),
        (
            "latency ?? 0 + 1",
            "`+` cannot follow `??` directly\n  latency ?? 0 + 1\n               ^\n  put the part with `??` in parentheses: (a ?? b) + c",
        ),
        (
            "sum([#, 1])",
            "`#` stands for nothing here\n  sum([#, 1])\n       ^\n  it is the element inside a call such as count([a, b], {# > 1})",
        ),
        (
            "{a: latency}.a",
            "the values of a map must be plain numbers or texts\n  {a: latency}.a\n      ^^^^^^^",
        ),
        (
            "avg_over(\"latency\", 10m)",
            "`10m` is not a number\n  avg_over(\"latency\", 10m)\n                      ^^^\n  a duration stands in quotes, such as \"10m\"",
        ),
        (
            "avg_over(\"latency, \"10m\")",
            "`10m` is not a number\n  avg_over(\"latency, \"10m\")\n                      ^^^\n  it stands between two texts: a quotation mark is missing before it",
        ),
        ("10x + 1", "`10x` is not a number\n  10x + 1\n  ^^^\n  a name cannot begin with a digit"),
        (
            "queue_depth @ 2",
            "`@` means nothing in an expression\n  queue_depth @ 2\n              ^",
        ),
        (
            "repeat(\"a\", 5)",
            "the function `repeat` of Expr is left out here\n  repeat(\"a\", 5)\n  ^^^^^^",
        ),
        (
            "if(quue_depth > 1, 2, 3)",
            "unknown variable `quue_depth`\n  if(quue_depth > 1, 2, 3)\n     ^^^^^^^^^^\n  did you mean `queue_depth`?",
        ),
        (
            "if(latency > 1, mean(latency), 3)",
            "unknown function `mean` of evalexpr\n  if(latency > 1, mean(latency), 3)\n                  ^^^^\n  Expr has it, and writes `if(a, b, c)` as `a ? b : c`",
        ),
        (
            "queue_depth > 5 ? 1 :\nlatnecy > 1 ? 2 :\n3",
            "unknown variable `latnecy`\n  latnecy > 1 ? 2 :\n  ^^^^^^^\n  did you mean `latency`?",
        ),
    ] {
        assert_eq!(rendered(source), message, "{source}");
    }
}

#[test]
fn a_result_that_is_never_a_number_is_said_at_once() {
    for (source, message) in [
        ("\"ten\"", "the expression returns text, not a number\n  \"ten\""),
        (
            "queue_depth > 1",
            "the expression returns true or false, not a number\n  queue_depth > 1\n  turn the condition into numbers, such as queue_depth > 0 ? 1 : 0",
        ),
        ("nil", "the expression returns nil, not a number\n  nil"),
        ("[queue_depth]", "the expression returns a list, not a number\n  [queue_depth]"),
        ("now()", "the expression returns a date or a part of one, not a number\n  now()"),
        ("queue_depth % 2", "`%` needs whole numbers; write int(x) % 2\n  queue_depth % 2"),
        (
            "queue_depth ? 1 : 2",
            "a condition must be true or false, such as queue_depth > 0\n  queue_depth ? 1 : 2",
        ),
        (
            "queue_depth && latency ? 1 : 2",
            "`and` needs true or false on both sides\n  queue_depth && latency ? 1 : 2",
        ),
        ("queue_depth.foo", "this value has no members\n  queue_depth.foo"),
        ("queue_depth.Foo()", "this value has no method `Foo()`\n  queue_depth.Foo()"),
    ] {
        assert_eq!(rendered(source), message, "{source}");
    }
}

#[test]
fn expensive_expressions_are_refused() {
    let nested = |open: &str, close: &str| open.repeat(33) + "1" + &close.repeat(33);
    let many = vec!["queue_depth"; 42].join(" + ");
    for (source, message) in [
        ("1 + ".repeat(1100), "the expression is 4400 bytes long, more than the limit of 4096"),
        ("1, ".repeat(251), "the expression has more than 500 words and signs"),
        (nested("(", ")"), "the expression is nested more than 32 levels deep"),
        (nested("if(true, ", ", 1)"), "`,` cannot stand here"),
        (nested("max(", ")"), "the expression is nested more than 32 levels deep"),
        (nested("-", ""), "the expression is nested more than 32 levels deep"),
        (many, "more than 40 operators and functions stand upon each other"),
        ("[0][[0][[0][[0][[0][0]]]]]".into(), "indexes are nested more than 4 deep"),
        (
            "count(1..1000000000, {true})".into(),
            "the range 1..1000000000 has more than 1000 elements",
        ),
        (
            "sum(map(1..9, {sum(map(1..9, {count(1..9, {# > 1})}))}))".into(),
            "functions over lists are nested more than 2 deep",
        ),
        // A panic inside the date arithmetic of a library is caught and is no result.
        (
            "now().AddDate(0, 0, 9000000000000000000).Year()".into(),
            "the evaluator gave up on this expression",
        ),
    ] {
        let error = Expression::compile(&source, &Names::new(["queue_depth"])).unwrap_err();
        assert_eq!(error.message, message, "{source}");
    }
}

#[test]
fn long_lines_are_cut_around_the_place() {
    let source = format!("{}quue_depth{}", "1 + ".repeat(30), " + 1".repeat(9));
    let text = rendered(&source);
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.iter().all(|line| line.len() <= 130), "{text}");
    let at = lines[2].find('^').unwrap();
    assert_eq!(&lines[1][at..at + 10], "quue_depth", "{text}");
}
