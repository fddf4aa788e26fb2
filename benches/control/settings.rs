//! The ways of damping that are compared.

/// One way of damping, as the variables of a configuration say it.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// The number of machines that run, with `PER_MACHINE` for what one of them is to serve.
    pub(crate) expression: &'static str,
    pub(crate) variables: Vec<(String, String)>,
}

/// How much of a machine's capacity is planned for.
pub(crate) const UTILISATION: f64 = 0.8;

/// As many machines as the load is for.
const PLAIN: &str = "ceil(load / PER_MACHINE)";

/// Each with its name, its expression and its variables.
const COMPARED: [(&str, &str, &[(&str, &str)]); 2] =
    [("no damping", PLAIN, &[]), ("the HPA's defaults", PLAIN, &[])];

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
