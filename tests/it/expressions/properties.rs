//! What holds for any text, any expression, any value.

use fly_autoscaler::evaluate::{Expression, Names};
use proptest::prelude::*;

use super::{NOW, table};

/// Compiles and, where that works, evaluates: no panic, and a finite number or an error.
fn survives(source: &str, x: f64, y: f64) -> Result<(), TestCaseError> {
    match Expression::compile(source, &Names::new(["x", "y"])) {
        Ok(expression) => match expression.evaluate(&table(&[("x", x), ("y", y)]), NOW) {
            Ok(value) => prop_assert!(value.is_finite(), "{source} gave {value}"),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        },
        Err(error) => {
            let text = error.render();
            prop_assert!(!text.contains("_op"), "the grammar's rules show: {}", text);
        }
    }
    Ok(())
}

/// Words of both languages in any order: more of it compiles than of arbitrary text.
fn token() -> impl Strategy<Value = &'static str> {
    let words = "x y 1 2.5 0 \"a\" true nil + - * / % ** ?? ? : ( ) [ ] { } , ; = == < > and or not in \
                 .. | # #acc . ?. let if else min( max([ count( sum( map( int( ceil( now() if( \
                 math::sqrt( first( reduce( sort( concat( string(";
    prop::sample::select(words.split_whitespace().collect::<Vec<_>>())
}

/// Arithmetic with no more parentheses than Expr needs, and its value.
#[derive(Debug, Clone)]
struct Sum {
    text: String,
    /// How tightly the outermost operator binds.
    tightness: u8,
    value: f64,
}

fn sums() -> impl Strategy<Value = Sum> {
    // Halves, because whole literals are 64-bit integers in Expr, which wrap where floats do not.
    let leaf = (0_u32..100).prop_map(|n| Sum {
        text: format!("{n}.5"),
        tightness: 9,
        value: f64::from(n) + 0.5,
    });
    leaf.prop_recursive(5, 24, 2, |inner| {
        (inner.clone(), inner, prop::sample::select(vec!['+', '-', '*', '/', '~', 'm', '?']))
            .prop_map(|(a, b, operator)| combine(&a, &b, operator))
    })
}

fn combine(a: &Sum, b: &Sum, operator: char) -> Sum {
    let within = |sum: &Sum, floor: u8| {
        if sum.tightness < floor { format!("({})", sum.text) } else { sum.text.clone() }
    };
    let binary = |tightness, value| Sum {
        text: format!("{} {operator} {}", within(a, tightness), within(b, tightness + 1)),
        tightness,
        value,
    };
    match operator {
        '+' => binary(3, a.value + b.value),
        '-' => binary(3, a.value - b.value),
        '*' => binary(6, a.value * b.value),
        '/' => binary(6, a.value / b.value),
        '~' => Sum { text: format!("-{}", within(a, 8)), tightness: 8, value: -a.value },
        'm' => Sum {
            text: format!("max({}, {})", a.text, b.text),
            tightness: 9,
            value: f64::max(a.value, b.value),
        },
        _ => Sum {
            text: format!("{} > {} ? {} : {}", within(a, 3), within(b, 3), b.text, a.text),
            tightness: 0,
            value: if a.value > b.value { b.value } else { a.value },
        },
    }
}

proptest! {
    #[test]
    fn any_text_is_an_expression_or_an_error(source in ".{0,200}", x in any::<f64>()) {
        survives(&source, x, 1.0)?;
    }

    #[test]
    fn any_tokens_are_an_expression_or_an_error(
        tokens in prop::collection::vec(token(), 0..14),
        x in any::<f64>(),
        y in any::<f64>(),
    ) {
        survives(&tokens.join(" "), x, y)?;
        survives(&tokens.concat(), x, y)?;
    }

    #[test]
    fn any_values_give_a_finite_number_or_an_error(x in any::<f64>(), y in any::<f64>()) {
        for source in [
            "max(1, min(10, ceil((x - 0.2) / y)))",
            "x > y ? int(x) % 7 : [x, y] | map(# ** 2) | sum()",
            "if(x > y, math::sqrt(x), y / x)",
            "1..int(x)|len()",
            "[1, 2, 3][int(x)] ?? y",
            "date(\"2026-01-01\").AddDate(int(x), int(y), int(x)).Year()",
            "bitshl(int(x), int(y))",
        ] {
            survives(source, x, y)?;
        }
    }

    #[test]
    fn arithmetic_has_the_value_that_it_has_elsewhere(sum in sums()) {
        let result = Expression::compile(&sum.text, &Names::default())
            .map(|expression| expression.evaluate(&table(&[]), NOW));
        match result {
            Ok(Ok(value)) => prop_assert_eq!(value, sum.value, "{}", sum.text),
            // NaN and infinity are errors, where `max` sees them too.
            Ok(Err(error)) => prop_assert!(["nan", "inf"].contains(&error.reason())),
            Err(error) => prop_assert!(error.message.contains("more than"), "{}", error.render()),
        }
    }
}
