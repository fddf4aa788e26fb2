//! What the command line says of itself, and to whom mistypes.

use insta::assert_snapshot;

use super::fly_autoscaler;

const COMMANDS: [&str; 9] =
    ["serve", "eval", "plan", "explain", "history", "check", "demo", "version", "completions"];

#[test]
fn without_arguments_it_says_what_there_is() {
    assert_snapshot!(fly_autoscaler(&[]).run(), @"
    exit 2
    --- stderr
    Scales the Fly Machines of an app by its metrics, and says why

    Usage: fly-autoscaler <COMMAND>

    Commands:
      serve        Run the autoscaler: look, decide and act every interval, and serve HTTP
      eval         Collect once, evaluate the expressions and print the numbers as JSON
      plan         Show what the next tick would do, and why; change nothing
      explain      Say how the numbers of a tick came about, and why something was done, or not
      history      List what was done, held and failed, the newest first
      check        Validate the configuration offline and print it with the origin of each value
      demo         Run the autoscaler against an embedded Fly with changing traffic; no account needed
      version      Print the version and the commit
      completions  Print a completion script for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Try it without an account: fly-autoscaler demo
    Exit codes: 0 done, 1 failed at run time, 2 usage or configuration, 3 see `plan --help`.
    ");
    let asked = fly_autoscaler(&["--help"]).run();
    assert_eq!((asked.code, asked.stdout), (Some(0), fly_autoscaler(&[]).run().stderr));
}

#[test]
fn each_command_has_a_help_text_with_an_example() {
    for command in COMMANDS {
        let help = fly_autoscaler(&[command, "--help"]).run();
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""), "{command}");
        assert!(help.stdout.contains(&format!("Usage: fly-autoscaler {command}")), "{command}");
        let example = help.stdout.split("Example").nth(1).unwrap_or_default();
        assert!(
            example.contains(&format!("fly-autoscaler {command}")),
            "{command}: {}",
            help.stdout
        );
        let same = fly_autoscaler(&["help", command]).run();
        assert_eq!(same.stdout, help.stdout, "{command}");
    }
}

#[test]
fn help_tells_what_is_for_every_region_from_what_is_for_all_together() {
    let help = fly_autoscaler(&["check", "--help"]).run().stdout;
    let (_, section) = help.split_once("\nEvery region:\n").unwrap();
    let section = section.split("\n\n").next().unwrap();
    let flags: Vec<&str> =
        section.lines().filter_map(|line| line.trim().strip_prefix("--region-")).collect();
    assert_eq!(flags.len(), 8 + 13, "{section}");
    assert!(!section.contains("--region-backoff"), "{section}");
    assert!(help.contains("--regions <auto|REGION,...>"), "{help}");
}

#[test]
fn help_shows_no_value_from_the_environment() {
    let secrets = [
        ("FAS_API_TOKEN", "hunter2"),
        ("FAS_PROMETHEUS_TOKEN", "hunter2"),
        ("FLY_ACCESS_TOKEN", "hunter2"),
        ("FAS_APP_NAME", "hunter2"),
    ];
    for command in COMMANDS {
        let help = fly_autoscaler(&[command, "--help"]).env(&secrets).run();
        assert!(!help.stdout.contains("hunter2"), "{command}");
        assert_eq!(help.stdout, fly_autoscaler(&[command, "--help"]).run().stdout, "{command}");
    }
}

#[test]
fn a_mistyped_command_or_flag_gets_the_nearest_one() {
    assert_snapshot!(fly_autoscaler(&["evla"]).run(), @"
    exit 2
    --- stderr
    error: unrecognized subcommand 'evla'

      tip: some similar subcommands exist: 'explain', 'eval'

    Usage: fly-autoscaler <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(fly_autoscaler(&["plan", "--started-machine-cont", "3"]).run(), @"
    exit 2
    --- stderr
    error: unexpected argument '--started-machine-cont' found

      tip: a similar argument exists: '--started-machine-count'

    Usage: fly-autoscaler plan --started-machine-count <EXPR>

    For more information, try '--help'.
    ");
    assert_snapshot!(fly_autoscaler(&["check", "-confg", "x.yml"]).run(), @"
    exit 2
    --- stderr
    error: unexpected argument '--confg' found

      tip: a similar argument exists: '--config'

    Usage: fly-autoscaler check --config <FILE>

    For more information, try '--help'.
    ");
    assert_snapshot!(fly_autoscaler(&["plan", "--format", "yaml"]).run(), @"
    exit 2
    --- stderr
    error: invalid value 'yaml' for '--format <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    ");
    assert_snapshot!(fly_autoscaler(&["completions", "tcsh"]).run(), @"
    exit 2
    --- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    ");
}

#[test]
fn the_version_is_said_in_each_way_that_people_try() {
    assert_snapshot!(fly_autoscaler(&["version"]).run(), @"
    exit 0
    --- stdout
    fly-autoscaler [VERSION]
    ");
    let said = fly_autoscaler(&["version"]).run().stdout;
    for spelling in ["--version", "-V", "-version"] {
        let same = fly_autoscaler(&[spelling]).run();
        assert_eq!((same.code, &same.stdout), (Some(0), &said), "{spelling}");
    }
}

#[test]
fn completions_know_commands_and_flags() {
    for shell in ["bash", "zsh", "fish"] {
        let script = fly_autoscaler(&["completions", shell]).run();
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["fly-autoscaler", "plan", "exit-code", "started-machine-count"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
}
