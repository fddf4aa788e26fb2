//! The ways of damping that are compared.

/// One way of damping, as the variables of a configuration say it.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// The number of machines that run, or its two ends, with `PER_MACHINE` for what one of them is to serve.
    pub(crate) expression: &'static str,
    pub(crate) variables: Vec<(String, String)>,
}

/// How much of a machine's capacity is planned for.
pub(crate) const UTILISATION: f64 = 0.8;

/// As many machines as the load is for.
const PLAIN: &str = "ceil(load / PER_MACHINE)";

/// At least as many, and at most a quarter more: between them nothing happens.
const BAND: &str = "ceil(load / PER_MACHINE) .. ceil(1.25 * load / PER_MACHINE)";

/// The same, and no fewer than for what the load is forecast to be when a machine that is started now serves.
const AHEAD: &str = "max(ceil(load / PER_MACHINE), ceil(forecast('load', '5m') / PER_MACHINE))";

/// A name, an expression (or both ends of one), and variables.
type Compared = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Each with what it is called, asks for and sets.
const COMPARED: [Compared; 8] = [
    ("no damping", PLAIN, &[]),
    ("a band of a quarter", BAND, &[]),
    (
        "the HPA's defaults",
        PLAIN,
        &[
            ("FAS_TOLERANCE", "0.1"),
            ("FAS_SCALE_UP_STEP_SIZE", "100%"),
            ("FAS_SCALE_UP_STEP_INTERVAL", "15s"),
            ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m"),
        ],
    ),
    (
        "cooldown of 5 min both ways",
        PLAIN,
        &[("FAS_SCALE_UP_COOLDOWN", "5m"), ("FAS_SCALE_DOWN_COOLDOWN", "5m")],
    ),
    ("down: window of 5 min", PLAIN, &[("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m")]),
    (
        "**recommended**: down: window of 10 min",
        PLAIN,
        &[("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "10m")],
    ),
    ("down: window of 20 min", PLAIN, &[("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "20m")]),
    (
        "recommended, with forecast",
        AHEAD,
        &[("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "10m"), ("FAS_FORECAST_MIN_SKILL", "0")],
    ),
];

/// The settings that are compared, and those of `own` if there are any.
pub(crate) fn compared(own: Vec<(String, String)>) -> Vec<Setting> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    let mut settings: Vec<Setting> = COMPARED
        .iter()
        .map(|(name, expression, variables)| {
            let variables = variables.iter().map(owned).collect();
            Setting { name, expression, variables }
        })
        .collect();
    if !own.is_empty() {
        settings.push(Setting { name: "own", expression: PLAIN, variables: own });
    }
    settings
}
